/** A DorkOS release's dork.db at our own path: every opening says what it is, and leaves it as it is. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { createDb, DatabaseOpenError, migrationStatus, runMigrations } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { ROOT, RUNTIME, runtimeCommand } from '../../support/runtime.ts';
import { rowsOf, stateOf } from './fixtures/older-home.ts';

const FILES = ['v0.4.0', 'migration-5', 'august-2026'];

const bytesOf = (file: string) => gunzipSync(readFileSync(join(ROOT, `test/fixtures/dorkos-releases/${file}.db.gz`)));

describe(`a release's dork.db at the default path on ${RUNTIME}`, () => {
  for (const name of FILES) {
    it(`as ${name} is recognised by every opening, which does not change it`, () => {
      using folder = temporaryFolder();
      const file = folder.file('dork.db');
      writeFileSync(file, bytesOf(name), { mode: 0o644 });
      const before = stateOf(folder.path)['dork.db'];
      const openings = [
        () => createDb(file),
        () => createDb(file, { migrations: 'skip' }),
        () => createDb(file, { readonly: true }),
        () => migrationStatus(file),
        () => runMigrations(file),
      ];
      for (const open of openings) {
        assert.throws(open, (error: DatabaseOpenError) => {
          assert.ok(error instanceof DatabaseOpenError);
          assert.equal(error.code, 'OLDER_DORKOS');
          assert.match(error.message, /is the dork\.db of a DorkOS release, whose rows can be imported/);
          assert.match(
            error.hint,
            /^Stop DorkOS, then run dork-db import --db '.*': it moves the file aside as it is, and imports/,
          );
          return true;
        });
      }
      assert.equal(stateOf(folder.path)['dork.db'], before);
    });
  }

  it('is named by every command with a --db, also if it does something else as well', { timeout: 300_000 }, () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    writeFileSync(file, bytesOf('v0.4.0'));
    const before = readFileSync(file);
    createDb(folder.file('ours.db')).$client.close();
    const [command, script] = runtimeCommand('src/cli/main.ts');
    const env = { ...process.env, DORK_HOME: folder.path, NO_COLOR: '1', FORCE_COLOR: undefined };
    const run = (...words: string[]) =>
      spawnSync(command, [script, ...words], { encoding: 'utf8', env, timeout: 60_000 });
    const words = run()
      .stdout.split('\n')
      .filter((line) => /^(Look|Copies|Space|Schema|Shell) /.test(line))
      .flatMap((line) => line.split(/ +/).slice(1));
    assert.ok(words.length >= 20, words.join());
    const args: Record<string, string[]> = {
      'repair-ledger': ['0000_x'],
      prune: ['--buckets'],
      recover: ['--to', folder.file('saved.db')],
      restore: [folder.file('ours.db'), '--yes'],
      verify: [file],
    };
    // Those of the first list are not about a file. On Node, whose start is slow, only those that open none are tried.
    const silent = words
      .filter((word) => !['check', 'completion', 'embed', 'generate', 'import'].includes(word))
      .filter((word) => RUNTIME === 'bun' || ['backups', 'console', 'studio'].includes(word))
      .filter((word) => {
        const { stdout, stderr, status } = run(word, ...(args[word] ?? []));
        const isSaid = /dork\.db is the dork\.db of a DorkOS release|saved\.db is the dork\.db of a DorkOS release/;
        return status === 0
          ? word !== 'recover' || !isSaid.test(stdout)
          : !isSaid.test(stderr) || !/dork-db import/.test(stderr);
      });
    assert.deepEqual(silent, []);
    assert.deepEqual(readFileSync(file), before);
  });

  it('is what the commands say, and what their hint says works', () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    writeFileSync(file, bytesOf('v0.4.0'));
    const before = readFileSync(file);
    const [command, script] = runtimeCommand('src/cli/main.ts');
    const run = (...words: string[]) =>
      spawnSync(command, [script, ...words], { encoding: 'utf8', env: { ...process.env, DORK_HOME: folder.path } });
    for (const words of [['status'], ['doctor'], ['migrate'], ['migrate', '--dry-run'], ['backup'], ['compact']]) {
      const { stderr, status } = run(...words);
      assert.match(stderr, /^Error: \S+dork\.db is the dork\.db of a DorkOS release/, words.join(' '));
      assert.notEqual(status, 0);
    }
    assert.deepEqual(readFileSync(file), before);
    const { stdout, stderr, status } = run('import', '--db', file, '--json');
    assert.equal(status, 0, stderr);
    const { imported, moved } = JSON.parse(stdout);
    assert.equal(imported, 104);
    using db = createDb(file);
    assert.equal(rowsOf(db, 'agent_denials').length, 40);
    assert.deepEqual(readFileSync(moved), before);
  });

  it("is not what another program's database is called", () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    using memory = createDb(':memory:');
    writeFileSync(file, '');
    {
      using other = memory.$client.sibling(file);
      other.exec(
        'CREATE TABLE agents (id); CREATE TABLE __drizzle_migrations (id INTEGER, hash TEXT, created_at INTEGER)',
      );
    }
    assert.throws(() => createDb(file), { code: 'NOT_OURS' });
  });
});
