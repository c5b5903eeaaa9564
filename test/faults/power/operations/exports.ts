import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createDb, exportDb, importExport, moveReleaseAside } from '#entry';
import { copySet, writeKilledRelease } from '../../../dork/legacy/fixtures/release.ts';
import { closedHome, fileIn } from '../../homes.ts';
import { acknowledgedIn, assertAcknowledged, assertSoundOften } from '../../oracle.ts';
import { assertAtLeast, assertKeptAfterPower, leftIn, type Operation, transactionsIn } from '../operation.ts';
import { reportOf } from '../told.ts';

const exportIn = (home: string) => join(home, 'export');
const newIn = (home: string) => join(home, 'new.db');

/** Makes a database of an export, and asserts that it has at least so many transactions. */
async function assertExportWhole(home: string, least: ReadonlyMap<string, number>): Promise<void> {
  const to = join(home, 'read.db');
  await importExport({ from: exportIn(home), to });
  {
    using db = createDb(to);
    assertSoundOften(db);
    for (const [writer, n] of least) assertAtLeast(`${writer} in the export`, transactionsIn(db, writer), n);
  }
  rmSync(to);
}

const EXPORT: Operation = {
  name: 'export',
  promise: 'An export that has its name is whole, and one that was reported has its name.',
  prepare: (home) => closedHome(home, 8),
  job: 'power-export',
  args: (home, logs) => ({ file: fileIn(home), logs, to: exportIn(home) }),
  judge: async (home, told) => {
    const isThere = existsSync(exportIn(home));
    const report = reportOf<{ commits: number }>(told);
    assert.ok(isThere || !report, 'the export was reported, and is gone');
    const least = new Map(acknowledgedIn(home));
    if (report) least.set('eve', report.commits);
    if (isThere) await assertExportWhole(home, least);
    assertKeptAfterPower(home, told);
    rmSync(exportIn(home), { recursive: true, force: true });
    using db = createDb(fileIn(home));
    await exportDb(db, { to: exportIn(home) });
    await assertExportWhole(home, acknowledgedIn(home));
    assert.deepEqual(leftIn(home), []);
    return isThere ? 'an export' : 'no export';
  },
};

const IMPORT_EXPORT: Operation = {
  name: 'import-export',
  promise: 'A database made of an export has its name when it is whole, and one that was reported has its name.',
  prepare: async (home) => {
    closedHome(home, 8);
    using db = createDb(fileIn(home));
    await exportDb(db, { to: exportIn(home) });
  },
  job: 'power-import-export',
  args: (home) => ({ from: exportIn(home), to: newIn(home) }),
  judge: async (home, told) => {
    const isThere = existsSync(newIn(home));
    assert.ok(isThere || !reportOf(told), 'the new database was reported, and is gone');
    const assertNew = () => {
      using db = createDb(newIn(home));
      assertSoundOften(db);
      assertAcknowledged(db, acknowledgedIn(home));
    };
    if (isThere) assertNew();
    rmSync(newIn(home), { force: true });
    await importExport({ from: exportIn(home), to: newIn(home) });
    assertNew();
    assert.deepEqual(leftIn(home), []);
    return isThere ? 'a new file' : 'no file';
  },
};

/** The files that have an old name. */
const namesOf = (home: string) => readdirSync(home).filter((name) => name.startsWith('dork.db'));

const releaseIn = (home: string) => join(home, 'original', 'dork.db');

const MOVE_ASIDE: Operation = {
  name: 'move-aside',
  promise: 'The file of a release and its -wal have their old names or the new ones, or a marker says which.',
  prepare: (home) => {
    writeKilledRelease(releaseIn(home), 'v0.4.0');
    copySet(releaseIn(home), fileIn(home));
  },
  job: 'power-move-aside',
  args: (home) => ({ file: fileIn(home) }),
  judge: (home, told) => {
    const report = reportOf<{ to: string }>(told);
    const isThere = existsSync(fileIn(home));
    assert.ok(!isThere || !report, 'the move was reported, and the file has its old name');
    const moved = moveReleaseAside(fileIn(home));
    assert.equal(moved !== undefined, isThere);
    const aside = readdirSync(home).filter((name) => /^dork-moved-\d{8}T\d{9}Z\.db$/.test(name));
    assert.equal(aside.length, 1, `moved to ${aside}`);
    if (report) assert.equal(aside[0], basename(report.to));
    for (const suffix of ['', '-wal']) {
      const [before, after] = [releaseIn(home), join(home, aside[0] ?? '')].map((path) => readFileSync(path + suffix));
      assert.deepEqual(after, before, `the release's file${suffix}`);
    }
    assert.deepEqual(leftIn(home), []);
    assert.deepEqual(namesOf(home), []);
    // Opening is refused if a -wal has kept its old name.
    createDb(fileIn(home)).$client.close();
    return isThere ? 'not moved yet' : 'moved';
  },
};

export const EXPORTS = [EXPORT, IMPORT_EXPORT, MOVE_ASIDE];
