import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { backup, backupDaily, closeDb, compact, createDb, health } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';

describe(`a file that becomes another program's while it is open, on ${RUNTIME}`, () => {
  it('gets the same answer from the open connection as from every opening, and no backup', async () => {
    for (const mark of ['PRAGMA application_id = 7', 'PRAGMA application_id = -1; DELETE FROM __drizzle_migrations']) {
      using folder = temporaryFolder();
      const file = folder.file('dork.db');
      using db = createDb(file);
      assert.notEqual(health(db).severity, 'error');
      db.$client.exec(mark);
      const { severity, findings } = health(db);
      assert.equal(severity, 'error');
      const fact = `${file} is a SQLite database of another program`;
      assert.ok(
        findings.some((finding) => finding.severity === 'error' && finding.fact === `${fact}.`),
        JSON.stringify(findings),
      );
      const made = folder.file('backups');
      for (const call of [
        () => backup(db),
        () => backupDaily(db, folder.file('nas')),
        () => backup(db, { to: folder.file('b.db') }),
      ])
        await assert.rejects(call, { name: 'BackupError', code: 'NOT_OURS', message: new RegExp(`^${fact}`) });
      assert.deepEqual([made, folder.file('nas'), folder.file('b.db')].filter(existsSync), []);
      closeDb(db);
      for (const call of [() => createDb(file), () => compact(file)])
        assert.throws(call, { name: 'DatabaseOpenError', code: 'NOT_OURS', message: new RegExp(`^${fact}`) });
    }
  });
});
