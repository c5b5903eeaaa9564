/** Row 16 of the faults: each source on its own, none of them ever changed. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { createDb, ImportError, type ImportReceipt, InvalidInputError, importLegacy, PulseStore } from '#entry';
import { Making } from '../../../src/engine/copies/making.ts';
import { ROOT, RUNTIME, runtimeCommand } from '../../support/runtime.ts';
import {
  agent,
  insert,
  MESSAGES,
  meshAt,
  message,
  type OlderHome,
  olderHome,
  PULSE,
  REAL_HOME,
  receiptOf,
  rowsOf,
  run,
  schedule,
  stateOf,
} from './fixtures/older-home.ts';

/** A home whose four files hold a row or two each. */
function fill(older: OlderHome): void {
  older.schedules([schedule('s1')]);
  older.write('pulse.db', PULSE, { runs: [run('r1'), run('r2')] });
  older.write('relay/index.db', MESSAGES, { messages: [message('m1')] });
  older.write('mesh/mesh.db', meshAt(4), { agents: [agent('a1')] });
}

/** Asserts that one source failed with a code, that nothing of it is there, and that the others were imported. */
function assertOnlyFailed(older: OlderHome, source: string, code: string): ImportReceipt {
  const before = stateOf(older.home);
  const receipt = importLegacy(older.db, { home: older.home });
  assert.deepEqual(stateOf(older.home), before);
  assert.equal(receipt.failed, 1);
  const { status, error, read, imported } = receiptOf(receipt, source);
  assert.deepEqual([status, error?.code, read, imported], ['failed', code, 0, 0]);
  assert.ok(error instanceof ImportError);
  assert.ok(error.message.includes(join(older.home, source)), 'the message names the file');
  assert.ok(error.hint.length > 0);
  for (const other of receipt.sources) {
    if (other.source !== source) assert.equal(other.status, 'imported', other.source);
  }
  const recorded = rowsOf(older.db, 'legacy_imports').map((row) => row.source);
  assert.equal(recorded.includes(source), false);
  assert.equal(recorded.length, 3);
  assert.deepEqual(leftovers(older), []);
  return receipt;
}

/** What an import left beside dork.db. */
function leftovers(older: OlderHome): string[] {
  return readdirSync(dirname(older.db.$client.filename)).filter((name) => name.startsWith('dork-import.'));
}

/** Starts a process that holds a file, and waits until it does. */
async function hold(file: string, mode: string): Promise<ChildProcess> {
  const [command, script] = runtimeCommand('test/dork/legacy/fixtures/hold.ts');
  const child = spawn(command, [script, file, mode], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

describe(`the sources on ${RUNTIME}`, () => {
  it('may all be missing: that is no failure, and leaves no row', () => {
    using older = olderHome();
    const receipt = importLegacy(older.db, { home: older.home });
    assert.deepEqual([receipt.failed, receipt.read], [0, 0]);
    assert.deepEqual(
      receipt.sources.map(({ status }) => status),
      ['missing', 'missing', 'missing', 'missing'],
    );
    assert.deepEqual(rowsOf(older.db, 'legacy_imports'), []);
  });

  const damages: Record<string, [code: string, (path: string) => void]> = {
    'is a text file': ['DAMAGED', (path) => writeFileSync(path, 'SQLite format 3 it is not')],
    'is random bytes': [
      'DAMAGED',
      (path) =>
        writeFileSync(
          path,
          Uint8Array.from({ length: 50_000 }, (_, i) => (i * 7919) % 251),
        ),
    ],
    'is cut off in the middle': ['DAMAGED', (path) => truncateSync(path, 4096 + 2000)],
    'is cut off at a page': ['DAMAGED', (path) => truncateSync(path, 8192)],
    'has a page of zeroes': ['DAMAGED', (path) => overwrite(path, 4096, new Uint8Array(4096))],
    'has a header of another page size': ['DAMAGED', (path) => overwrite(path, 16, new Uint8Array([0x20, 0]))],
    'is empty': ['HALF_WRITTEN', (path) => writeFileSync(path, '')],
    'is the database of another program': [
      'FOREIGN',
      (path) => {
        copyFileSync(join(REAL_HOME, 'mesh', 'mesh.db'), path);
      },
    ],
    'is a folder': [
      'NOT_A_FILE',
      (path) => {
        mkdirSync(path);
      },
    ],
    'is a dangling link': ['UNREADABLE', (path) => symlinkSync('/nowhere/at/all', path)],
  };
  for (const [what, [code, damage]] of Object.entries(damages)) {
    it(`that ${what} is an ImportError of its own, and the others go on`, () => {
      using older = olderHome();
      fill(older);
      const path = join(older.home, 'pulse.db');
      if (code === 'NOT_A_FILE' || code === 'UNREADABLE') {
        using empty = olderHome();
        empty.schedules([schedule('s1')]);
        for (const source of ['relay/index.db', 'mesh/mesh.db']) {
          mkdirSync(dirname(join(empty.home, source)));
          copyFileSync(join(older.home, source), join(empty.home, source));
        }
        damage(join(empty.home, 'pulse.db'));
        assertOnlyFailed(empty, 'pulse.db', code);
        return;
      }
      damage(path);
      assertOnlyFailed(older, 'pulse.db', code);
    });
  }

  it('that is a database without a table, or with a table of another layout, is refused', () => {
    const layouts: [string, string][] = [
      ['PRAGMA user_version = 1', 'HALF_WRITTEN'],
      ['CREATE TABLE runs (id TEXT PRIMARY KEY, status TEXT)', 'FOREIGN'],
      [PULSE.replace('id TEXT PRIMARY KEY', 'id TEXT'), 'FOREIGN'],
      [`${PULSE} ALTER TABLE runs RENAME TO other; CREATE VIEW runs AS SELECT * FROM other`, 'FOREIGN'],
    ];
    for (const [schema, code] of layouts) {
      using older = olderHome();
      fill(older);
      older.write('pulse.db', 'DROP TABLE runs');
      older.write('pulse.db', schema);
      assertOnlyFailed(older, 'pulse.db', code);
    }
  });

  it('that is locked by another process is an ImportError, and comes in, by its -journal too, once it is free', {
    timeout: 60_000,
  }, async () => {
    for (const mode of ['exclusive', 'exclusive-wal', 'spilled']) {
      using older = olderHome();
      fill(older);
      if (mode === 'spilled') {
        using file = older.open('pulse.db');
        insert(
          file,
          'runs',
          Array.from({ length: 2000 }, (_, i) => run(`x${i}`, { output_summary: 'as it was' })),
        );
      }
      const holder = await hold(join(older.home, 'pulse.db'), mode);
      try {
        const receipt = assertOnlyFailed(older, 'pulse.db', 'SOURCE_LOCKED');
        assert.equal(receiptOf(receipt, 'pulse.db').error?.retryable, true);
      } finally {
        await end(holder);
      }
      const state = stateOf(older.home);
      const again = importLegacy(older.db, { home: older.home });
      assert.deepEqual(stateOf(older.home), state);
      assert.equal(again.failed, 0);
      assert.equal(new PulseStore(older.db).countRuns(), mode === 'spilled' ? 2002 : 2);
      assert.equal(rowsOf(older.db, 'pulse_runs').filter(({ output }) => String(output).startsWith('not')).length, 0);
    }
  });

  it('with a live -wal is read with it, and without what is not committed', { timeout: 60_000 }, async () => {
    for (const mode of ['live', 'writing']) {
      using older = olderHome();
      fill(older);
      const holder = await hold(join(older.home, 'pulse.db'), mode);
      try {
        const state = stateOf(older.home);
        assert.ok(state['pulse.db-wal'], 'there is a -wal');
        assert.equal(importLegacy(older.db, { home: older.home }).failed, 0);
        assert.deepEqual(stateOf(older.home), state);
        const runs = rowsOf(older.db, 'pulse_runs').map(({ id, error, output }) => [id, error, output]);
        assert.deepEqual(runs, [
          ['r1', null, null],
          ['r2', mode === 'live' ? 'in the -wal' : null, null],
        ]);
      } finally {
        await end(holder);
      }
    }
  });

  it('that this very process has open is read with its -wal, and stays locked for others', () => {
    using older = olderHome();
    fill(older);
    using file = older.open('pulse.db');
    file.exec("UPDATE runs SET error = 'here' WHERE id = 'r1'");
    // Read by another process: closing a file here would drop the locks of this one.
    const digest = () =>
      execFileSync('sh', ['-c', 'cksum *; stat -c "%n %y" * .'], { cwd: older.home, encoding: 'utf8' });
    const state = digest();
    assert.equal(importLegacy(older.db, { home: older.home }).failed, 0);
    assert.equal(digest(), state);
    assert.equal(new PulseStore(older.db).getRun('r1')?.error, 'here');
    const locks = existsSync('/proc/locks') ? readFileSync('/proc/locks', 'utf8') : undefined;
    if (locks) assert.match(locks, new RegExp(`POSIX +ADVISORY +READ +${process.pid} `));
    file.exec("UPDATE runs SET error = 'still' WHERE id = 'r1'");
    assert.equal(file.prepare<{ error: string }>("SELECT error FROM runs WHERE id = 'r1'").get()?.error, 'still');
  });

  it('that a crash has left with a -wal and no -shm is read as it was committed', () => {
    using older = olderHome();
    fill(older);
    using crashed = olderHome();
    crashed.schedules([schedule('s1')]);
    {
      using file = older.open('pulse.db');
      file.exec("UPDATE runs SET error = 'in the -wal' WHERE id = 'r1'");
      for (const end of ['', '-wal'])
        copyFileSync(join(older.home, `pulse.db${end}`), join(crashed.home, `pulse.db${end}`));
    }
    const state = stateOf(crashed.home);
    assert.equal(importLegacy(crashed.db, { home: crashed.home }).failed, 0);
    assert.deepEqual(stateOf(crashed.home), state);
    assert.equal(new PulseStore(crashed.db).getRun('r1')?.error, 'in the -wal');
  });

  it('in a folder that nobody may write, files that nobody may write, is read and left alone', {
    timeout: 60_000,
  }, () => {
    using older = olderHome();
    fill(older);
    using file = older.open('pulse.db');
    file.exec("UPDATE runs SET error = 'in the -wal' WHERE id = 'r1'");
    using copy = olderHome(older.home);
    const folders = [copy.home, join(copy.home, 'relay'), join(copy.home, 'mesh')];
    for (const name of readdirSync(copy.home, { recursive: true, encoding: 'utf8' })) {
      const path = join(copy.home, name);
      if (!folders.includes(path)) chmodSync(path, 0o444);
    }
    for (const folder of folders) chmodSync(folder, 0o555);
    const state = stateOf(copy.home);
    assert.equal(importLegacy(copy.db, { home: copy.home }).failed, 0);
    assert.deepEqual(stateOf(copy.home), state);
    assert.equal(new PulseStore(copy.db).getRun('r1')?.error, 'in the -wal');
    for (const folder of folders) chmodSync(folder, 0o755);
  });

  it('through a symbolic link is read where it leads', () => {
    using older = olderHome();
    fill(older);
    using linked = olderHome();
    symlinkSync(join(older.home, 'pulse.db'), join(linked.home, 'pulse.db'));
    symlinkSync(join(older.home, 'schedules.json'), join(linked.home, 'schedules.json'));
    using file = older.open('pulse.db');
    file.exec("UPDATE runs SET error = 'in the -wal' WHERE id = 'r1'");
    assert.equal(importLegacy(linked.db, { home: linked.home }).imported, 3);
    assert.equal(new PulseStore(linked.db).getRun('r1')?.error, 'in the -wal');
  });

  it('that cannot be copied are in the receipt with an error, and so is what was imported before', () => {
    using older = olderHome();
    fill(older);
    older.schedules([schedule('s1')]);
    const beside = dirname(older.db.$client.filename);
    const receipt = importLegacy(older.db, {
      home: older.home,
      onProgress: ({ source }) => {
        if (source !== 'schedules.json') return;
        for (const folder of leftovers(older)) rmSync(join(beside, folder), { recursive: true, force: true });
      },
    });
    assert.equal(receiptOf(receipt, 'schedules.json').status, 'imported');
    assert.equal(rowsOf(older.db, 'pulse_schedules').length, 1);
    const { status, error } = receiptOf(receipt, 'pulse.db');
    assert.deepEqual([status, error?.name, error?.code], ['failed', 'ImportError', 'FILE_SYSTEM']);
    assert.match(error?.message ?? '', /pulse\.db could not be copied and read \(ENOENT\)/);
    assert.equal(receipt.failed, receipt.sources.filter((source) => source.error).length);
    assert.deepEqual(leftovers(older), []);
    assert.equal(importLegacy(older.db, { home: older.home }).failed, 0);
  });

  it('are copied where only their owner can read, and the copies of killed imports are removed', () => {
    using older = olderHome();
    fill(older);
    const beside = dirname(older.db.$client.filename);
    const abandoned = join(beside, 'dork-import.0a1b2c3d.partial');
    mkdirSync(abandoned);
    writeFileSync(join(abandoned, 'pulse.db'), 'x');
    // Another import, of this process or of another one, has a lock beside its folder.
    using other = new Making(older.db.$client.adapter, join(beside, 'dork-import'), { isFolder: true });
    const isOther = (name: string) => name.startsWith(basename(other.path));
    const modes = new Set<string>();
    importLegacy(older.db, {
      home: older.home,
      onProgress: () => {
        for (const folder of leftovers(older)) {
          if (isOther(folder) || folder.endsWith('-lock')) continue;
          const path = join(beside, folder);
          for (const [name, state] of Object.entries(stateOf(path))) {
            const [hash, mode] = state.split(' ');
            modes.add(`${hash === 'folder' ? 'folder' : 'file'} ${mode}`);
            assert.ok(name);
          }
        }
      },
    });
    assert.deepEqual([...modes].sort(), ['file 100600', 'folder 40700']);
    assert.equal(existsSync(abandoned), false);
    assert.ok(leftovers(older).length > 0 && leftovers(older).every(isOther));
  });
});

describe(`dork.db on ${RUNTIME}`, () => {
  it('within a transaction, read-only, or before its migrations is refused, and a bad home too', () => {
    using older = olderHome();
    fill(older);
    const refused = (code: string, fn: () => unknown) => {
      assert.throws(fn, (error: ImportError) => error instanceof ImportError && error.code === code);
    };
    older.db.transaction(() => refused('IN_TRANSACTION', () => importLegacy(older.db, { home: older.home })));
    using readonly = createDb(older.db.$client.filename, { readonly: true });
    refused('READ_ONLY', () => importLegacy(readonly, { home: older.home }));
    using bare = createDb(':memory:', { migrations: 'skip' });
    refused('NOT_MIGRATED', () => importLegacy(bare, { home: older.home }));
    refused('HOME_MISSING', () => importLegacy(older.db, { home: join(older.home, 'nowhere') }));
    refused('HOME_MISSING', () => importLegacy(older.db, { home: join(older.home, 'x'.repeat(300)) }));
    for (const home of ['', 'a\0b', 7 as never]) {
      assert.throws(() => importLegacy(older.db, { home }), InvalidInputError);
    }
    assert.throws(() => importLegacy(older.db, { home: older.home, dryRun: 1 as never }), InvalidInputError);
    assert.deepEqual(rowsOf(older.db, 'legacy_imports'), []);
  });

  it('read-only takes part in a dry run', () => {
    using older = olderHome();
    fill(older);
    using readonly = createDb(older.db.$client.filename, { readonly: true });
    assert.equal(importLegacy(readonly, { home: older.home, dryRun: true }).imported, 5);
    assert.deepEqual(rowsOf(older.db, 'pulse_runs'), []);
  });

  it('keeps what was committed before its import is broken off, and the next import brings the rest', () => {
    using older = olderHome();
    fill(older);
    const stop = new Error('stop');
    assert.throws(
      () =>
        importLegacy(older.db, {
          home: older.home,
          onProgress: ({ table, rows }) => {
            if (table === 'runs' && rows === 2) throw stop;
          },
        }),
      stop,
    );
    assert.equal(rowsOf(older.db, 'pulse_runs').length, 2);
    assert.equal(rowsOf(older.db, 'pulse_schedules').length, 1);
    assert.deepEqual(leftovers(older), []);
    const temporary = older.db.$client.prepare('SELECT name FROM temp.sqlite_schema').all();
    assert.deepEqual(temporary, []);
    const { imported, alreadyThere } = importLegacy(older.db, { home: older.home });
    assert.deepEqual([imported, alreadyThere], [2, 3]);
  });

  it('that another process writes is waited for, and told of where it takes too long', () => {
    using older = olderHome();
    fill(older);
    older.db.$client.exec('PRAGMA busy_timeout = 50');
    using other = createDb(older.db.$client.filename);
    other.$client.exec('BEGIN IMMEDIATE');
    const receipt = importLegacy(older.db, { home: older.home });
    assert.equal(receipt.failed, 4);
    for (const { error } of receipt.sources) assert.deepEqual([error?.code, error?.retryable], ['SQLITE_BUSY', true]);
    other.$client.exec('ROLLBACK');
    assert.equal(importLegacy(older.db, { home: older.home }).imported, 5);
  });

  it('takes a message of ten megabytes whole', () => {
    using older = olderHome();
    const subject = 'ü\0'.repeat(3_500_000);
    older.write('relay/index.db', MESSAGES, { messages: [message('m1', { subject }), message('m2')] });
    assert.equal(importLegacy(older.db, { home: older.home }).imported, 2);
    assert.equal(rowsOf(older.db, 'relay_index')[0]?.subject, subject);
  });
});

function overwrite(path: string, at: number, bytes: Uint8Array): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
}
