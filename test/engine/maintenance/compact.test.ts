import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type CompactReport,
  closeDb,
  compact,
  createDb,
  DatabaseBusyError,
  DatabaseOpenError,
  type Db,
  health,
  InvalidInputError,
  TraceStore,
} from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME, runtimeCommand } from '../../support/runtime.ts';
import { hold, OTHER } from '../health/fixtures/holder.ts';

const FILLER = 'f'.repeat(1000);

/** A closed database with so many spans left, three times as many deleted. */
function spread(file: string, left: number): void {
  using db = createDb(file);
  const store = new TraceStore(db);
  db.transaction(() => {
    for (let i = 0; i < left * 4; i++) {
      store.insertSpan({ messageId: `m${i}`, traceId: 't', subject: 's', sentAt: i + 1, metadata: { FILLER } });
    }
  });
  db.$client.prepare('DELETE FROM relay_traces WHERE rowid % 4 <> 0').run();
}

/** A hash of every row, so to speak. */
function spans(db: Db): string {
  return JSON.stringify(db.$client.prepare('SELECT * FROM relay_traces ORDER BY id').all());
}

function isHeldBy(pid: number | undefined) {
  return (error: unknown) => {
    assert.ok(error instanceof DatabaseBusyError, String(error));
    assert.equal(error.code, 'HELD');
    assert.equal(error.retryable, true);
    if (process.platform !== 'linux') return true;
    assert.ok(error.message.includes(pid === undefined ? 'this process' : `${pid} (`), error.message);
    assert.equal(error.message.includes('this process'), pid === undefined, 'only who holds it is named');
    return true;
  };
}

describe('compact', () => {
  it('gives free pages back and changes nothing else', () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    spread(file, 500);
    // As root, also the owner is kept.
    if (process.getuid?.() === 0) chownSync(file, 65534, 65534);
    const owner = statSync(file).uid;
    const before = createDb(file);
    const content = spans(before);
    closeDb(before);
    const size = statSync(file).size;

    const report = compact(file);
    assert.equal(report.filename, file);
    assert.equal(report.bytesBefore, size);
    assert.equal(report.bytesAfter, statSync(file).size);
    assert.equal(report.gained, size - report.bytesAfter);
    assert.ok(report.gained > size / 2);
    assert.equal(report.rows.relay_traces, 500);
    assert.deepEqual(readdirSync(folder.path), ['dork.db']);
    assert.equal((statSync(file).mode & 0o777).toString(8), '600');
    assert.equal(statSync(file).uid, owner);

    using db = createDb(file);
    assert.equal(spans(db), content);
    assert.deepEqual(
      health(db, { deep: true }).findings.filter(({ severity }) => severity === 'error'),
      [],
    );
    assert.equal(db.$client.pragma('journal_mode', { simple: true }), 'wal');
  });

  it('tells its phases, and leaves the file as it was where the caller throws', () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    spread(file, 100);
    const phases: unknown[] = [];
    compact(file, { onProgress: ({ phase, bytes }) => phases.push([phase, bytes > 0]) });
    assert.deepEqual(phases, [
      ['copying', true],
      ['verifying', true],
    ]);
    const before = readFileSync(file);
    for (const at of ['copying', 'verifying']) {
      const onProgress = ({ phase }: { phase: string }) => {
        if (phase === at) throw new Error(`stopped ${at}`);
      };
      assert.throws(() => compact(file, { onProgress }), new RegExp(`stopped ${at}`));
      assert.deepEqual(readdirSync(folder.path), ['dork.db']);
    }
    using db = createDb(file);
    assert.equal(health(db).findings.filter(({ severity }) => severity === 'error').length, 0);
    assert.equal(before.length, statSync(file).size);
  });

  it('keeps what is still in the -wal of a process that was killed', { timeout: 60_000 }, () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    const [command, script] = runtimeCommand('test/engine/maintenance/fixtures/die-writing.ts');
    spawnSync(command, [script, file, '200']);
    assert.ok(statSync(`${file}-wal`).size > 0, 'it left its -wal');
    assert.equal(compact(file).rows.agent_denials, 200);
    using db = createDb(file);
    assert.equal(db.$client.prepare('SELECT count(*) AS n FROM agent_denials').get()?.n, 200);
  });

  it('refuses while any process has the file open, this one too, says who, and changes nothing', {
    timeout: 60_000,
  }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    spread(file, 10);
    for (const runtime of [RUNTIME, OTHER]) {
      await using other = await hold(runtime, file, 'open');
      const inode = statSync(file).ino;
      assert.throws(() => compact(file, { busyTimeoutMs: 0 }), isHeldBy(other.pid));
      assert.equal(statSync(file).ino, inode);
    }
    using db = createDb(file);
    assert.throws(() => compact(file, { busyTimeoutMs: 0 }), isHeldBy(undefined));
    assert.equal(db.$client.pragma('integrity_check', { simple: true }), 'ok');
  });

  it('refuses what is not a database of ours, and leaves it as it is', () => {
    using folder = temporaryFolder();
    const file = folder.file('other.db');
    assert.throws(() => compact(file), DatabaseOpenError);
    assert.throws(() => compact(':memory:'), InvalidInputError);
    assert.throws(() => compact(file, { busyTimeoutMs: -1 }), InvalidInputError);
    writeFileSync(file, 'something else altogether');
    assert.throws(() => compact(file), DatabaseOpenError);
    assert.equal(readFileSync(file, 'utf8'), 'something else altogether');
    const foreign = folder.file('foreign.db');
    {
      using db = createDb(foreign);
      db.$client.exec('PRAGMA application_id = 7');
    }
    const before = readFileSync(foreign);
    assert.throws(() => compact(foreign), DatabaseOpenError);
    assert.deepEqual(readFileSync(foreign), before);
    assert.deepEqual(readdirSync(folder.path).sort(), ['foreign.db', 'other.db']);
  });

  it('without room for the copy leaves the file and nothing else', { timeout: 60_000 }, () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    spread(file, 2000);
    const before = readFileSync(file);
    const [command, script] = runtimeCommand('test/engine/maintenance/fixtures/compact.ts');
    // 1 MB (in blocks of 512 bytes) is the largest file that it may write.
    const limited = `trap '' XFSZ; ulimit -f 2000; exec '${command}' '${script}' '${file}'`;
    const { stdout, stderr } = spawnSync('sh', ['-c', limited], { encoding: 'utf8' });
    const error = JSON.parse(stdout || `"${stderr}"`) as { name: string; code: string; hint: string };
    assert.match(error.code, /^SQLITE_(FULL|IOERR)/);
    assert.ok(error.hint);
    assert.deepEqual(readdirSync(folder.path).sort(), ['dork.db']);
    assert.deepEqual(readFileSync(file), before);
    assert.ok(compact(file).gained > 0, 'it works when there is room');
  });

  it('killed at any moment leaves the old file or the new one, and the next call clears up', {
    timeout: 120_000,
  }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    spread(file, 3000);
    const original = readFileSync(file);
    const [command, script] = runtimeCommand('test/engine/maintenance/fixtures/compact-when-told.ts');
    const content = (() => {
      using db = createDb(file);
      return spans(db);
    })();
    let wreckages = 0;
    for (let round = 0; round < 6; round++) {
      writeFileSync(file, original);
      const child = spawn(command, [script, file], { stdio: ['pipe', 'pipe', 'inherit'] });
      const ended = once(child, 'exit');
      await once(child.stdout, 'data');
      child.stdin.write('go\n');
      await pause(round * 15);
      child.kill('SIGKILL');
      await ended;
      wreckages += readdirSync(folder.path).filter((name) => name.includes('.partial')).length;
      using db = createDb(file);
      assert.equal(spans(db), content, `round ${round}`);
      assert.equal(db.$client.pragma('integrity_check', { simple: true }), 'ok');
    }
    compact(file);
    assert.deepEqual(readdirSync(folder.path), ['dork.db'], `${wreckages} half copies were left, and are gone`);
  });

  it('as a command says what was gained', { timeout: 60_000 }, () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    spread(file, 100);
    const [command, script] = runtimeCommand('src/cli/main.ts');
    const { stdout } = spawnSync(command, [script, 'compact', '--db', file, '--json'], { encoding: 'utf8' });
    assert.ok((JSON.parse(stdout) as CompactReport).gained > 0);
  });
});

describe('an opening that waits while the file is replaced', () => {
  it('opens the new file, not the one that is gone', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    spread(file, 1);
    const [command, script] = runtimeCommand('test/engine/maintenance/fixtures/replace-slowly.ts', OTHER);
    const child = spawn(command, [script, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    // From here it waits for the lock of the process that is about to put another file there.
    using db = createDb(file);
    await ended;
    assert.equal(db.$client.prepare('SELECT count(*) AS n FROM agent_denials').get()?.n, 1, 'a row of the new file');
    db.$client.prepare("INSERT INTO agent_denials (id, path, created_at) VALUES ('here', 'here', 'now')").run();
    closeDb(db);
    using again = createDb(file);
    assert.equal(again.$client.prepare('SELECT count(*) AS n FROM agent_denials').get()?.n, 2);
    assert.equal(again.$client.pragma('integrity_check', { simple: true }), 'ok');
  });
});
