/** The commands as a person runs them, in processes of their own, on this runtime. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { createDb } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { dorkDb, start } from '../../support/processes.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { deny, fileWith, idsIn, SLOW_DISK_MS } from './support.ts';

describe(`dork-db on ${RUNTIME}`, () => {
  it('backs up, lists, verifies and restores, in text and in JSON', { timeout: SLOW_DISK_MS }, () => {
    using folder = temporaryFolder();
    const file = fileWith(folder.file('dork.db'), 'kept');
    const made = dorkDb('backup', '--db', file, '--label', 'before the upgrade');
    assert.equal(made.code, 0, made.err);
    assert.match(made.out, /dork-backup-\d{8}T\d{9}Z-before-the-upgrade\.db: [\d.]+ kB in .*, read back and checked\./);
    assert.match(made.out, /SHA-256 [0-9a-f]{64}/);
    assert.match(made.out, /agent_denials +1/);

    const list = dorkDb('backups', '--db', file);
    assert.equal(list.code, 0);
    assert.match(list.out, /0 minutes +[\d.]+ kB +before-the-upgrade +looks so +dork-backup/);
    const [entry] = JSON.parse(dorkDb('backups', '--db', file, '--json').out);
    assert.equal(entry.label, 'before-the-upgrade');
    assert.equal(entry.verified, true);

    const verified = dorkDb('verify', entry.path, '--deep');
    assert.equal(verified.code, 0, verified.err);
    assert.match(verified.out, /good in depth/);

    {
      using db = createDb(file);
      deny(db, 'later');
    }
    const plan = dorkDb('restore', entry.path, '--db', file, '--dry-run');
    assert.equal(plan.code, 0, plan.err);
    assert.match(plan.out, /nothing was changed/);
    assert.match(plan.out, /1 row would not come back, 0 rows with other values\./);
    assert.deepEqual(idsIn(file), ['kept', 'later']);
    const report = JSON.parse(dorkDb('restore', entry.path, '--db', file, '--yes', '--json').out);
    assert.equal(report.tables.agent_denials.replaced.lost, 1);
    assert.deepEqual(idsIn(file), ['kept']);
    const undone = dorkDb('restore', `${report.replaced}/dork.db`, '--db', file, '--yes');
    assert.equal(undone.code, 0, undone.err);
    assert.match(undone.out, /Nothing of the previous content is lost\./);
    assert.deepEqual(idsIn(file), ['kept', 'later']);
  });

  it('makes one backup a day and deletes old ones', { timeout: SLOW_DISK_MS }, () => {
    using folder = temporaryFolder();
    const file = fileWith(folder.file('dork.db'), 'kept');
    const first = JSON.parse(dorkDb('backup', '--db', file, '--daily', '--json').out);
    assert.equal(first.isNew, true);
    const again = dorkDb('backup', '--db', file, '--daily');
    assert.match(again.out, /is the backup of this day already/);
    for (const day of ['20200101', '20200301']) {
      writeFileSync(folder.file(`backups/dork-daily-${day}.db`), readFileSync(first.path));
    }
    const rehearsed = dorkDb('backups', '--db', file, '--prune', '--daily', '1', '--weekly', '0', '--dry-run');
    assert.match(rehearsed.out, /^2 files would be deleted, 1 backup kept\./);
    assert.ok(existsSync(folder.file('backups/dork-daily-20200101.db')));
    const pruned = dorkDb('backups', '--db', file, '--prune', '--daily', '1', '--weekly', '0');
    assert.match(pruned.out, /^2 files deleted, 1 backup kept\./);
    assert.equal(existsSync(folder.file('backups/dork-daily-20200101.db')), false);
    writeFileSync(folder.file('backups/dork-daily-20200101.db'), 'broken');
    const list = dorkDb('backups', '--db', file);
    assert.equal(list.code, 3);
    assert.match(list.out, /daily +NO +dork-daily/);
  });

  it('says what is wrong and what to do, by exit code 1 or 2, and creates nothing', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const missing = dorkDb('backup', '--db', folder.file('no.db'));
    assert.equal(missing.code, 1);
    assert.match(missing.err, /^Error: .*no\.db does not exist.*\nTry: /);
    assert.equal(existsSync(folder.file('no.db')), false);
    const file = fileWith(folder.file('dork.db'), 'kept');
    for (const args of [
      ['backup', '--to', 'a', '--dir', 'b'],
      ['backup', '--daily', '--label', 'x'],
      ['backup', '--to', 'a', '--label', 'x'],
      ['backups', '--prune', '--daily', 'some'],
      ['verify'],
      ['restore', 'a', 'b'],
    ]) {
      const { code, err } = dorkDb(...args, '--db', file);
      assert.equal(code, 2, args.join(' '));
      assert.match(err, /error: /);
    }
    const nothing = dorkDb('restore', '--db', file);
    assert.equal(nothing.code, 1);
    assert.match(nothing.err, /Try: Name the backup: dork-db restore FILE/);
    writeFileSync(folder.file('text.db'), 'text');
    const { error } = JSON.parse(dorkDb('verify', folder.file('text.db'), '--json').out);
    assert.deepEqual([error.name, error.code], ['BackupError', 'NOT_A_DATABASE']);

    const { path } = JSON.parse(dorkDb('backup', '--db', file, '--json').out);
    const holder = start('test/engine/backup/fixtures/hold.ts', [file, 'held']);
    await holder.next();
    const refused = dorkDb('restore', path, '--db', file, '--yes');
    assert.equal(refused.code, 1);
    assert.match(refused.err, /^Error: .* is open/);
    assert.match(refused.err, /Try: Close it in every process/);
    await holder.kill();
    assert.deepEqual(idsIn(file), ['held', 'kept']);
  });

  it('recovers, and says how the new file is put in place', { timeout: SLOW_DISK_MS }, () => {
    using folder = temporaryFolder();
    const file = fileWith(folder.file('dork.db'), 'kept');
    const bytes = readFileSync(file);
    bytes.fill('X', 0, 100);
    writeFileSync(file, bytes);
    const saved = dorkDb('recover', '--db', file);
    assert.equal(saved.code, 0, saved.err);
    const [, from] = /To use it: dork-db restore '([^']+)' --db/.exec(saved.out) ?? [];
    assert.equal(dorkDb('restore', from ?? '', '--db', file, '--yes').code, 0);
    assert.deepEqual(idsIn(file), ['kept']);
  });
});
