/** Several dork.db files of releases in one home, as several upgrades leave them: all are read, the newest has the last word. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { createDb, type Db, health, importLegacy } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { figuresOf, rowsOf } from './fixtures/older-home.ts';
import { changeFile, writeRelease } from './fixtures/release.ts';

const AT = '2026-02-02T02:40:00.000Z';
const OLDER = 'dork-moved-20260101T000000000Z.db';
const NEWER = 'dork-moved-20260301T000000000Z.db';

/** A release's file with these schedules (id to name) and this count of calls, and nothing else. */
function write(path: string, schedules: Record<string, string>, calls: number): string {
  mkdirSync(dirname(path), { recursive: true });
  writeRelease(path, 'v0.4.0');
  changeFile(
    path,
    'DELETE FROM pulse_runs; DELETE FROM pulse_schedules; DELETE FROM relay_index; DELETE FROM relay_traces',
    'DELETE FROM agents; DELETE FROM agent_denials; DELETE FROM rate_limit_buckets',
    ...Object.entries(schedules).map(
      ([id, name]) =>
        `INSERT INTO pulse_schedules (id, name, cron, prompt, created_at, updated_at) VALUES ('${id}', '${name}', '* * * * *', 'p', '${AT}', '${AT}')`,
    ),
    `INSERT INTO rate_limit_buckets (agent_id, bucket_minute, count) VALUES ('a', 1, ${calls})`,
  );
  return path;
}

const namesIn = (db: Db) => Object.fromEntries(rowsOf(db, 'pulse_schedules').map(({ id, name }) => [id, name]));
const callsIn = (db: Db) => rowsOf(db, 'rate_limit_buckets').map(({ count }) => count);
const NOTHING = { imported: 0, updated: 0, deletedSince: 0, setAside: 0, failed: 0 };

describe(`several releases in one home, on ${RUNTIME}`, () => {
  const older = { shared: 'older', a: 'a', gone: 'gone' };
  const newer = { shared: 'newer', b: 'b' };
  const both = { shared: 'newer', a: 'a', gone: 'gone', b: 'b' };

  it('are all read at once, newest first, whatever order they were found in', () => {
    using folder = temporaryFolder();
    write(folder.file(OLDER), older, 7);
    write(folder.file(NEWER), newer, 10);
    const bytes = [OLDER, NEWER].map((name) => readFileSync(folder.file(name)));
    using db = createDb(folder.file('dork.db'));
    const home = folder.path;
    const expected = { ...NOTHING, imported: 5, alreadyThere: 2 };
    assert.deepEqual(figuresOf(importLegacy(db, { home, dryRun: true })), expected);
    const receipt = importLegacy(db, { home });
    assert.deepEqual(figuresOf(receipt), expected);
    const found = receipt.sources.filter(({ source }) => source === 'dork.db').map(({ path }) => path);
    assert.deepEqual(found, [folder.file(NEWER), folder.file(OLDER)]);
    assert.deepEqual([namesIn(db), callsIn(db)], [both, [10]]);
    assert.deepEqual(figuresOf(importLegacy(db, { home })), { ...NOTHING, alreadyThere: 7 });
    assert.deepEqual([namesIn(db), callsIn(db)], [both, [10]]);
    assert.deepEqual(
      [OLDER, NEWER].map((name) => readFileSync(folder.file(name))),
      bytes,
    );
  });

  for (const [first, second] of [
    [OLDER, NEWER],
    [NEWER, OLDER],
  ] as const) {
    for (const isKnown of [true, false]) {
      const how = isKnown ? '' : ', also after an import that did not note their age';
      it(`come one after the other, ${first === OLDER ? 'the older' : 'the newer'} first: nothing goes back${how}`, () => {
        using folder = temporaryFolder();
        const home = folder.path;
        write(join(home, 'later', OLDER), older, 7);
        write(join(home, 'later', NEWER), newer, 10);
        using db = createDb(folder.file('dork.db'));
        const forget = () => {
          if (!isKnown)
            db.$client.exec("UPDATE legacy_rows SET state = substr(state, 1, instr(state, ' release') + 7)");
        };
        renameSync(join(home, 'later', first), join(home, first));
        importLegacy(db, { home });
        forget();
        db.$client.exec("DELETE FROM pulse_schedules WHERE id IN ('gone', 'b')");
        renameSync(join(home, 'later', second), join(home, second));
        for (let times = 0; times < 3; times++) {
          if (times === 1) forget();
          assert.equal(importLegacy(db, { home }).failed, 0);
          const kept =
            first === OLDER ? { shared: 'newer', a: 'a', b: 'b' } : { shared: 'newer', a: 'a', gone: 'gone' };
          assert.deepEqual([namesIn(db), callsIn(db)], [kept, [10]]);
        }
      });
    }
  }

  it('go on being written: only what moved on in the newest that has a row comes, and what was changed here stays', () => {
    using folder = temporaryFolder();
    const home = folder.path;
    write(folder.file(OLDER), older, 7);
    write(folder.file(NEWER), newer, 10);
    using db = createDb(folder.file('dork.db'));
    importLegacy(db, { home });
    db.$client.exec(
      "UPDATE pulse_schedules SET name = 'mine' WHERE id = 'b'; DELETE FROM pulse_schedules WHERE id = 'a'",
    );
    const rename = "UPDATE pulse_schedules SET name = name || ' moved on'";
    changeFile(folder.file(OLDER), rename);
    changeFile(folder.file(NEWER), rename, 'UPDATE rate_limit_buckets SET count = 12');
    const expected = { ...NOTHING, imported: 0, updated: 3, alreadyThere: 3, deletedSince: 1 };
    assert.deepEqual(figuresOf(importLegacy(db, { home, dryRun: true })), expected);
    assert.deepEqual(figuresOf(importLegacy(db, { home })), expected);
    assert.deepEqual(namesIn(db), { shared: 'newer moved on', gone: 'gone moved on', b: 'mine' });
    assert.deepEqual(callsIn(db), [12]);
    assert.equal(figuresOf(importLegacy(db, { home })).updated, 0);
  });

  it('are a file in use and those that were moved aside before: by when it was last written', () => {
    using folder = temporaryFolder();
    const home = folder.file('home');
    write(join(home, OLDER), older, 7);
    const inUse = write(join(home, 'dork.db'), newer, 10);
    using db = createDb(folder.file('mine.db'));
    importLegacy(db, { home });
    assert.deepEqual([namesIn(db), callsIn(db)], [both, [10]]);
    // The next one is moved aside, goes on from there, and is newer than what it was.
    renameSync(inUse, join(home, NEWER.replace('2026', '2999')));
    changeFile(
      join(home, NEWER.replace('2026', '2999')),
      "UPDATE pulse_schedules SET name = 'newest' WHERE id = 'shared'",
    );
    assert.equal(importLegacy(db, { home }).updated, 1);
    // An older copy that is given by itself brings back nothing.
    const copy = write(join(folder.path, 'copy.db'), { shared: 'oldest', c: 'c' }, 1);
    utimesSync(copy, new Date('2020-01-01'), new Date('2020-01-01'));
    assert.deepEqual(figuresOf(importLegacy(db, { home: copy })), { ...NOTHING, imported: 1, alreadyThere: 2 });
    assert.deepEqual([namesIn(db), callsIn(db)], [{ ...both, shared: 'newest', c: 'c' }, [10]]);
  });

  it('are all named as waiting until they are imported, and read whole from every release', () => {
    using folder = temporaryFolder();
    const names = ['v0.4.0', 'migration-5', 'august-2026'] as const;
    const paths = names.map((name, i) => writeRelease(folder.file(`dork-moved-2026010${i + 1}T000000000Z.db`), name));
    const bytes = paths.map((path) => readFileSync(path));
    using db = createDb(folder.file('dork.db'));
    const waiting = () => health(db).legacyFiles;
    assert.deepEqual(waiting(), [...paths].reverse());
    const receipt = importLegacy(db, { home: folder.path });
    for (const { read, imported, updated, alreadyThere, deletedSince, setAside } of receipt.sources)
      assert.equal(read, imported + updated + alreadyThere + deletedSince + setAside);
    assert.deepEqual(waiting(), []);
    const content = rowsOf(db, 'agents');
    const again = importLegacy(db, { home: folder.path });
    assert.deepEqual([again.imported, again.updated, again.read], [0, 0, receipt.read]);
    assert.deepEqual(rowsOf(db, 'agents'), content);
    assert.deepEqual(
      paths.map((path) => readFileSync(path)),
      bytes,
    );
  });
});
