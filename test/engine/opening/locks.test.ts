import assert from 'node:assert/strict';
import { linkSync, mkdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  backup,
  compact,
  createDb,
  DenialList,
  health,
  importLegacy,
  listBackups,
  migrationStatus,
  moveReleaseAside,
  recover,
  rehearseMigrations,
  restore,
  verifyBackup,
} from '#entry';
import { holdsLock } from '../../../src/engine/file/file-locks.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';

/** What looks at a file, whether or not somebody has it open. */
type Look = (file: string, folder: ReturnType<typeof temporaryFolder>) => unknown;

const LOOKS: Readonly<Record<string, Look>> = {
  'verifyBackup()': (file) => verifyBackup(file),
  // Refused: by that name it has no -wal.
  'verifyBackup() of a second name': async (file, folder) => {
    linkSync(file, folder.file('second.db'));
    await assert.rejects(verifyBackup(folder.file('second.db')), { name: 'BackupError' });
  },
  'listBackups()': (file, folder) => {
    mkdirSync(folder.file('copies'));
    linkSync(file, folder.file('copies/dork-backup-20260101T000000000Z.db'));
    return listBackups(folder.file('copies'), { database: undefined });
  },
  'a rehearsed restore()': async (file, folder) => {
    await restore({ from: file, to: folder.file('other.db'), dryRun: true });
  },
  'migrationStatus()': (file) => migrationStatus(file),
  'rehearseMigrations()': (file) => rehearseMigrations(file),
  'createDb() and its close': (file) => createDb(file).$client.close(),
  'a read-only createDb() and its close': (file) => createDb(file, { readonly: true }).$client.close(),
  'a failed createDb()': (file) => assert.throws(() => createDb(`${file}/x`)),
  'moveReleaseAside()': (file) => assert.equal(moveReleaseAside(file), undefined),
  'a refused compact()': (file) => assert.throws(() => compact(file), { code: 'HELD' }),
  'a refused recover()': (file, folder) =>
    assert.rejects(recover({ from: file, to: folder.file('saved.db') }), { code: 'IN_USE' }),
  'a refused restore()': async (file, folder) => {
    using other = createDb(folder.file('other.db'));
    const { path } = await backup(other);
    await assert.rejects(restore({ from: path, to: file }), { code: 'IN_USE' });
  },
  'importLegacy() from its folder': (_, folder) => {
    using other = createDb(folder.file('other.db'));
    importLegacy(other, { home: folder.path });
  },
  'backup()': async (file) => {
    using db = createDb(file);
    await backup(db);
  },
};

describe(`the locks of an open database on ${RUNTIME}`, () => {
  for (const [name, look] of Object.entries(LOOKS)) {
    it(`are still there after ${name} of its file`, { timeout: 60_000 }, async () => {
      using folder = temporaryFolder();
      const file = folder.file('dork.db');
      using db = createDb(file);
      new DenialList(db).deny('/a', 's', null, 'me');
      // Undefined if the system does not tell who has which lock.
      assert.notEqual(holdsLock(file), false);
      await look(file, folder);
      assert.notEqual(holdsLock(file), false, 'another process would take itself for the only one');
      const lost = health(db).findings.filter(({ fact }) => /lost its lock/.test(fact));
      assert.deepEqual(lost, []);
    });
  }
});
