import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { createDb } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { runtimeCommand } from '../../support/runtime.ts';

const NOBODY = 65534;
const IS_ROOT = process.getuid?.() === 0;

/** What a process that writes until it fails says. */
interface Outcome {
  readonly acknowledged: number;
  readonly error?: { readonly name: string; readonly code: string; readonly message: string; readonly hint: string };
  /** Rows that the same connection reads after the failure. */
  readonly readBack?: number;
  readonly inTransaction?: boolean;
}

/** Inserts rows in another process, as a user without rights, until it fails or has done so many. */
function fill(file: string, rows: number, ...options: { before?: string; asNobody?: boolean }[]): Outcome {
  const { before = '', asNobody = false } = options[0] ?? {};
  const [command, script] = runtimeCommand('test/engine/maintenance/fixtures/fill.ts');
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', `${before} exec '${command}' '${script}' '${file}' ${rows} ${asNobody && IS_ROOT ? NOBODY : ''}`],
    { encoding: 'utf8' },
  );
  assert.ok(stdout, stderr);
  return JSON.parse(stdout) as Outcome;
}

function rowsOf(file: string): number {
  using db = createDb(file);
  assert.equal(db.$client.pragma('integrity_check', { simple: true }), 'ok');
  return Number(db.$client.prepare('SELECT count(*) AS n FROM agent_denials').get()?.n);
}

function assertTyped({ error }: Outcome, code: RegExp): void {
  assert.ok(error, 'it failed');
  assert.match(error.code, code, error.message);
  assert.notEqual(error.name, 'Error');
  assert.ok(error.hint.length > 10);
  assert.ok(!error.message.includes('ROLLBACK'), error.message);
}

/** The file and all that lies beside it belong to the user without rights. */
function giveAway(folder: string): void {
  if (!IS_ROOT) return;
  chownSync(folder, NOBODY, NOBODY);
  for (const name of readdirSync(folder)) chownSync(`${folder}/${name}`, NOBODY, NOBODY);
}

describe('a limit to the size of files, as a full disk is one', () => {
  it('stops writes with the real cause, loses nothing that was acknowledged, and is forgotten when it is gone', {
    timeout: 60_000,
  }, () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    createDb(file).$client.close();
    // Of 512 bytes each: 2 MB, while the filled file would have some 20.
    const outcome = fill(file, 20_000, { before: "trap '' XFSZ; ulimit -f 4000;" });
    assertTyped(outcome, /^SQLITE_(FULL|IOERR)/);
    assert.ok(outcome.acknowledged > 0 && outcome.acknowledged < 20_000);
    assert.equal(outcome.readBack, outcome.acknowledged, 'it still reads');
    assert.equal(outcome.inTransaction, false);
    assert.equal(rowsOf(file), outcome.acknowledged);
    using db = createDb(file);
    db.$client.prepare("INSERT INTO agent_denials (id, path, created_at) VALUES ('room', '/room', 'now')").run();
    assert.equal(rowsOf(file), outcome.acknowledged + 1);
  });

  it('stops a new file half-way, and the next start makes it whole', { timeout: 60_000 }, () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    const outcome = fill(file, 10, { before: "trap '' XFSZ; ulimit -f 64;" });
    assertTyped(outcome, /^(SQLITE_(FULL|IOERR)|MIGRATION_FAILED)/);
    assert.equal(outcome.acknowledged, 0);
    assert.equal(rowsOf(file), 0);
  });
});

describe('what this user may not write', () => {
  it('a read-only file is refused by name, still reads, and is as it was', { timeout: 60_000 }, () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    createDb(file).$client.close();
    giveAway(folder.path);
    chmodSync(file, 0o400);
    const before = readFileSync(file);
    assertTyped(fill(file, 1, { asNobody: true }), /^SQLITE_READONLY$/);
    assert.deepEqual(readFileSync(file), before);
    assert.deepEqual(readdirSync(folder.path), ['dork.db'], 'no -wal that nobody can write');
    chmodSync(file, 0o600);
    assert.equal(fill(file, 1, { asNobody: true }).acknowledged, 1);
  });

  it('a read-only folder is refused, and nothing is put into it', { timeout: 60_000 }, () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    createDb(file).$client.close();
    giveAway(folder.path);
    chmodSync(folder.path, 0o500);
    try {
      assertTyped(fill(file, 1, { asNobody: true }), /^SQLITE_(READONLY|CANTOPEN)/);
      assert.deepEqual(readdirSync(folder.path), ['dork.db']);
    } finally {
      chmodSync(folder.path, 0o700);
    }
    assert.equal(fill(file, 1, { asNobody: true }).acknowledged, 1);
  });

  it('a -wal and a -shm that cannot be opened are refused, and left alone', {
    timeout: 60_000,
  }, () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    createDb(file).$client.close();
    giveAway(folder.path);
    for (const sidecar of [`${file}-wal`, `${file}-shm`]) {
      // As root they belong to root; else they are merely closed.
      writeFileSync(sidecar, '', { mode: IS_ROOT ? 0o600 : 0o000 });
      const outcome = fill(file, 1, { asNobody: true });
      assertTyped(outcome, /^SQLITE_(READONLY|CANTOPEN)/);
      assert.equal(statSync(sidecar).size, 0);
      giveAway(folder.path);
      chmodSync(sidecar, 0o600);
      assert.equal(fill(file, 1, { asNobody: true }).acknowledged, 1);
    }
    assert.equal(rowsOf(file), 2);
  });
});
