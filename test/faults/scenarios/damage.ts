import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  BackupError,
  backup,
  createDb,
  DatabaseOpenError,
  type Db,
  DorkDbError,
  health,
  MigrationError,
  verifyBackup,
} from '#entry';
import { contents } from '../../engine/backup/support.ts';
import { populate } from '../../kit/populate.ts';
import { type Content, contentOf } from '../../kit/preservation.ts';
import { FILE_MUTATIONS, type Mutation, SIDECAR_MUTATIONS } from '../mutations.ts';
import { acknowledgedIn, assertAcknowledged, writeHome } from '../oracle.ts';
import { type Bench, EACH, type Round, type Scenario } from '../scenario.ts';

/** What a damaged file came to. */
const MET = {
  refused: 'refused',
  found: 'opened, and found by health',
  intact: 'intact',
  /** SQLite has no checksums: a value that is changed inside a page is a value. */
  value: 'a changed value that SQLite cannot know of',
  earlier: 'an earlier commit',
} as const;

const fileIn = (home: string) => join(home, 'dork.db');

/** Rows of every table, of the kinds that hurt. */
function makePopulated(home: string): Content {
  writeHome(fileIn(home), home, ['ada', 'bob'], 40);
  using db = createDb(fileIn(home));
  populate(db.$client, { rows: 30 });
  return contentOf(db.$client);
}

const countsOf = (content: Content) => [...content].map(([table, rows]) => [table, rows.length]);

/** What the file says that it holds, or the error of reading it. */
function read(db: Db): Content | DorkDbError {
  try {
    return contentOf(db.$client);
  } catch (error) {
    assert.ok(error instanceof DorkDbError, `Reading threw ${error}`);
    return error;
  }
}

/**
 * What must not change. SQLite builds the -shm anew when it likes; and where a damaged ledger seems to lack migrations,
 * the folder for their snapshot is made before the file turns out to be damaged: it must be empty.
 */
function stateOf(home: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(contents(home)).filter(([name]) => !name.endsWith('-shm') && name !== 'backups'),
  );
}

/** Opens a file, or gives the error that refused it, which must be of a kind that says so, and have changed nothing. */
function openOrRefuse(home: string): Db | undefined {
  const before = stateOf(home);
  try {
    return createDb(fileIn(home));
  } catch (error) {
    assert.ok(
      error instanceof DatabaseOpenError || error instanceof MigrationError,
      `Opening threw ${error instanceof Error ? error.stack : error}`,
    );
    assert.ok(error.hint.length > 10, error.message);
    assert.deepEqual(stateOf(home), before, `It was refused with ${error.code} and changed`);
    return undefined;
  }
}

/** It is whole, or the report says that it is not. */
function judge(db: Db, whole: Content): string {
  const now = read(db);
  const report = health(db, { deep: true });
  const isFound = report.findings.some(({ severity, hint }) => severity === 'error' && hint !== undefined);
  if (isFound) return MET.found;
  assert.ok(!(now instanceof DorkDbError), `Reading failed, and health finds nothing: ${now}`);
  if (isDeepStrictEqual(now, whole)) return MET.intact;
  assert.deepEqual(countsOf(now), countsOf(whole), 'Rows are lost, and health finds nothing');
  return MET.value;
}

/** Damages a copy of what was made, in the next way of the list. */
function damage(
  model: string,
  { number, random, folder }: Round,
  mutations: Readonly<Record<string, Mutation>>,
  of: (home: string) => string,
): string {
  const home = join(folder, 'home');
  cpSync(model, home, { recursive: true });
  const ways = Object.values(mutations);
  ways[number % ways.length]?.(of(home), random);
  return home;
}

const DATABASE: Scenario = {
  name: 'damaged-database',
  promise: 'A damaged file is refused, or opens and health names the damage; one that is refused is not changed.',
  sides: EACH,
  rounds: { quick: 130, usual: 1300 },
  mustMeet: [MET.refused, MET.found],
  prepare(bench: Bench) {
    const model = join(bench.folder, 'model');
    mkdirSync(model);
    const whole = makePopulated(model);
    return (round) => {
      const home = damage(model, round, FILE_MUTATIONS, fileIn);
      using db = openOrRefuse(home);
      return db === undefined ? MET.refused : judge(db, whole);
    };
  },
};

const SIDECARS: Scenario = {
  name: 'damaged-sidecars',
  promise: 'A damaged set is refused, or holds a state that was committed; what a cut -wal held is gone as a whole.',
  sides: EACH,
  rounds: { quick: 45, usual: 450 },
  mustMeet: [MET.refused, MET.intact, MET.earlier],
  async prepare(bench) {
    const model = join(bench.folder, 'model');
    mkdirSync(model);
    writeHome(fileIn(model), model, ['ada'], 30);
    await using job = bench.start('write', { file: fileIn(model), logs: model, writer: 'bob' });
    await job.next();
    while ((acknowledgedIn(model).get('bob') ?? 0) < 40) await new Promise((resolve) => setTimeout(resolve, 5));
    await job.kill();
    const acknowledged = acknowledgedIn(model);
    return (round) => {
      const home = damage(model, round, SIDECAR_MUTATIONS, fileIn);
      using db = openOrRefuse(home);
      if (db === undefined) return MET.refused;
      return judgeCommits(db, acknowledged);
    };
  },
};

/** Transactions of a writer are there from the first to some last one, each whole, or the report says what is wrong. */
function judgeCommits(db: Db, acknowledged: ReadonlyMap<string, number>): string {
  const { findings } = health(db, { deep: true });
  if (findings.some(({ severity }) => severity === 'error')) return MET.found;
  const count = db.$client.prepare<{ n: number }>('SELECT count(*) AS n FROM relay_index WHERE subject = ?');
  const there = new Map([...acknowledged.keys()].map((writer) => [writer, Number(count.get(writer)?.n)]));
  assertAcknowledged(db, there);
  return [...acknowledged].every(([writer, n]) => (there.get(writer) ?? 0) >= n) ? MET.intact : MET.earlier;
}

const BACKUPS: Scenario = {
  name: 'damaged-backup',
  promise: 'A damaged backup is refused, or its checksum is another one; looking at it does not change it.',
  sides: EACH,
  rounds: { quick: 26, usual: 390 },
  mustMeet: [MET.refused],
  async prepare(bench) {
    const model = join(bench.folder, 'model');
    mkdirSync(model);
    const whole = makePopulated(model);
    const backupIn = (home: string) => join(home, 'dork-copy.db');
    let sha256: string | undefined;
    {
      using db = createDb(fileIn(model));
      ({ sha256 } = await backup(db, { to: backupIn(model) }));
    }
    return async (round) => {
      const home = damage(model, round, FILE_MUTATIONS, backupIn);
      const before = contents(home);
      const report = await verifyBackup(backupIn(home), { deep: true }).catch((error: unknown) => {
        assert.ok(error instanceof BackupError, `It threw ${error instanceof Error ? error.stack : error}`);
        assert.ok(error.hint.length > 10);
      });
      assert.deepEqual(contents(home), before, 'Looking at it changed something');
      if (!report) return MET.refused;
      if (report.problem) return 'told that this code cannot restore it';
      if (report.sha256 === sha256) return MET.intact;
      using copy = createDb(backupIn(home));
      const now = read(copy);
      assert.ok(!(now instanceof DorkDbError), `It was verified, and cannot be read: ${now}`);
      assert.deepEqual(countsOf(now), countsOf(whole), 'Rows are lost, and it was verified');
      return isDeepStrictEqual(now, whole) ? 'intact in what it holds' : MET.value;
    };
  },
};

export const DAMAGE = [DATABASE, SIDECARS, BACKUPS];
