import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { backup, compact, createDb, DorkDbError, health, migrationStatus } from '#entry';
import { assertReplaceable } from '../../../src/engine/file/place.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { run, startCommand } from '../../support/processes.ts';
import { ROOT, RUNTIME, runtimeCommand } from '../../support/runtime.ts';
import { wrappedCommand } from '../../support/wrapped-fs.ts';

function deny(file: string, id: string): void {
  using db = createDb(file);
  db.$client.exec(`INSERT INTO agent_denials (id, path, created_at) VALUES ('${id}', '/${id}', 'now')`);
}

function idsIn(file: string): unknown[] {
  using db = createDb(file);
  return db.$client.prepare('SELECT id FROM agent_denials ORDER BY id').values().flat();
}

async function copyOf(file: string, to: string): Promise<string> {
  using db = createDb(file);
  return (await backup(db, { to })).path;
}

/** A database with rows that only its -wal has, since the process that wrote them was killed. */
function killed(file: string): void {
  createDb(file).$client.close();
  run('test/engine/maintenance/fixtures/die-writing.ts', [file, '50']);
  assert.ok(statSync(`${file}-wal`).size > 0, 'it left its -wal');
}

describe(`an exchange on ${RUNTIME} of which one call of the file system fails`, () => {
  interface Found {
    readonly failed: number;
    readonly problems: string[];
    readonly codes: Record<string, number>;
  }

  for (const kind of ['compact', 'sound', 'damaged']) {
    it(`leaves the old files or the new one, and says which: ${kind}`, { timeout: 240_000 }, async () => {
      using folder = temporaryFolder();
      const line = wrappedCommand('test/engine/file/fixtures/fail-each-call.ts', RUNTIME);
      const { failed, problems, codes } = await startCommand([...line, kind, folder.path]).next<Found>();
      assert.deepEqual(problems, []);
      assert.ok(failed > 10, `${failed} calls were made to fail`);
      // Those that are taken without DORK_SOAK need not have one that cannot be undone.
      if (kind === 'damaged' && process.env.DORK_SOAK === '1')
        assert.ok((codes.UNFINISHED ?? 0) > 0, 'one could not be undone at first');
    });
  }
});

describe(`the order of an exchange on ${RUNTIME}`, () => {
  it('flushes what became of the -wal before the new file gets its name, and that name after it', {
    timeout: 60_000,
  }, async () => {
    for (const kind of ['compact', 'restore']) {
      using folder = temporaryFolder();
      const file = folder.file('dork.db');
      const copy = folder.file('copy.db');
      killed(file);
      using made = createDb(folder.file('other.db'));
      await backup(made, { to: copy });
      const log = folder.file('log');
      const line = wrappedCommand('test/engine/file/fixtures/exchange.ts', RUNTIME);
      const env = { FS_WRAP: JSON.stringify({ log }) };
      // One call, since the time is over after it.
      const { outcomes } = await startCommand([...line, kind, file, '1', copy], { env }).next<{ outcomes: unknown }>();
      assert.deepEqual(outcomes, { done: 1 });
      const calls = readFileSync(log, 'utf8').trimEnd().split('\n');
      const renamed = calls.findIndex((call) => call.startsWith('renameSync') && call.endsWith(` ${file}`));
      assert.ok(renamed > 0, calls.join('\n'));
      const before = calls.slice(0, renamed);
      const wal = before.lastIndexOf(`fsyncSync ${file}-wal`);
      const removed = before.indexOf(`rmSync ${file}-shm`);
      const flushed = before.lastIndexOf(`fsyncSync ${folder.path}`);
      assert.ok(wal >= 0 && wal < removed && removed < flushed, before.join('\n'));
      assert.ok(calls.slice(renamed).includes(`fsyncSync ${folder.path}`));
    }
  });
});

describe(`a new folder, on ${RUNTIME}`, () => {
  it('gets its name flushed at once', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    deny(file, 'a');
    const log = folder.file('log');
    const line = wrappedCommand('test/engine/backup/fixtures/backup.ts', RUNTIME);
    await startCommand([...line, file], { env: { FS_WRAP: JSON.stringify({ log }) } }).next();
    const calls = readFileSync(log, 'utf8').trimEnd().split('\n');
    const made = calls.indexOf(`mkdirSync ${folder.file('backups')}`);
    assert.ok(made >= 0, calls.join('\n'));
    assert.ok(calls.slice(made).includes(`fsyncSync ${folder.path}`), calls.join('\n'));
  });
});

describe(`a file that is mounted by itself, on ${RUNTIME}`, () => {
  it('is refused before anything is touched', { timeout: 60_000 }, async () => {
    // Only there a user may mount something for a process alone.
    if (process.platform !== 'linux') return;
    using folder = temporaryFolder();
    const file = folder.file('dork db.db');
    deny(file, 'a');
    const copy = await copyOf(file, folder.file('copy.db'));
    assertReplaceable(file);
    const before = readFileSync(file);
    const mount = 'mount --bind "$0" "$0" || exit 9; exec "$@"';
    for (const kind of ['compact', 'restore']) {
      const line = runtimeCommand('test/engine/file/fixtures/exchange.ts', RUNTIME);
      const rights = process.getuid?.() === 0 ? '-m' : '-rm';
      const { status, stdout } = spawnSync(
        'unshare',
        [rights, 'sh', '-c', mount, file, ...line, kind, file, '1', copy],
        { encoding: 'utf8', cwd: ROOT },
      );
      // A container may forbid it; its own mounted files tell the same then.
      if (status !== 0) {
        const own = ['/etc/hosts', '/etc/resolv.conf'].find((path) =>
          readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${path} `),
        );
        if (own) assert.throws(() => assertReplaceable(own), { code: 'MOUNT_POINT' });
        continue;
      }
      const { outcomes, messages } = JSON.parse(stdout) as { outcomes: Record<string, number>; messages: string[] };
      assert.deepEqual(outcomes, { MOUNT_POINT: 1 });
      assert.match(messages.join(), /is a mount itself.*Nothing was changed/);
    }
    assert.deepEqual(readFileSync(file), before);
    assert.ok(!existsSync(folder.file('backups')));
  });
});

describe(`a -journal that a killed process left, on ${RUNTIME}`, () => {
  /** A sound file in the middle of a transaction that is not in WAL mode, copied as a crash would leave it. */
  function hot(folder: { file(name: string): string }): string {
    const source = folder.file('source.db');
    const file = folder.file('dork.db');
    deny(source, 'committed');
    using probe = createDb(':memory:');
    const writer = probe.$client.sibling(source);
    writer.exec('PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN');
    for (let i = 0; i < 50; i++)
      writer.exec(`INSERT INTO agent_denials (id, path, created_at) VALUES ('${i}', '${'p'.repeat(900)}${i}', 'now')`);
    copyFileSync(source, file);
    copyFileSync(`${source}-journal`, `${file}-journal`);
    writer.exec('ROLLBACK');
    writer.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(source + suffix, { force: true });
    return file;
  }

  it('is named by who only reads, and rolled back by who may write', { timeout: 60_000 }, () => {
    using folder = temporaryFolder();
    const file = hot(folder);
    for (const read of [() => createDb(file, { readonly: true }), () => migrationStatus(file)]) {
      assert.throws(read, (error) => {
        assert.ok(error instanceof DorkDbError, String(error));
        assert.equal(error.code, 'SQLITE_READONLY_ROLLBACK');
        assert.match(error.message, /died while it wrote/);
        assert.match(error.hint, /Open the file once for writing/);
        return true;
      });
    }
    assert.deepEqual(idsIn(file), ['committed']);
    assert.ok(!existsSync(`${file}-journal`));
    using db = createDb(file, { readonly: true });
    assert.equal(health(db).findings.filter(({ severity }) => severity === 'error').length, 0);
  });

  it('mends half a first page', { timeout: 60_000 }, () => {
    using folder = temporaryFolder();
    const file = hot(folder);
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0, 0, 512));
    assert.deepEqual(idsIn(file), ['committed']);
  });

  it('is not in the way of a compaction, and none is left by one', { timeout: 60_000 }, () => {
    using folder = temporaryFolder();
    const file = hot(folder);
    compact(file);
    assert.deepEqual(idsIn(file), ['committed']);
    assert.ok(!existsSync(`${file}-journal`));
  });
});
