import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type History, hashOf, type Migration } from '../../../src/engine/migrations/history.ts';
import { migrate } from '../../../src/engine/migrations/runner.ts';
import { contents } from '../../engine/backup/support.ts';
import {
  CHILDREN_OF_EACH,
  count,
  FAMILY,
  fillFamily,
  historyOf,
  ledgerHashes,
  migration,
  open,
  REBUILD_PARENTS,
  writeFolder,
} from '../../engine/migrations/support.ts';
import type { Random } from '../../kit/random.ts';
import type { Answer } from '../processes.ts';
import { type Bench, EACH, type Round, type Scenario } from '../scenario.ts';

const AGES = migration('0001_ages', 'ALTER TABLE parents ADD COLUMN age integer');
const CITIES = migration('0002_cities', 'ALTER TABLE parents ADD COLUMN city text');

/** What is tried on a family of some size that had some migrations. */
interface Trial {
  readonly applied: readonly Migration[];
  readonly history: History;
  /** Absent where it is to succeed. */
  readonly refused?: { readonly code: string; readonly message: RegExp };
}

function edited(of: Migration): Migration {
  const sql = `${of.sql} DEFAULT 7`;
  return { ...of, sql, hash: hashOf(sql) };
}

/** Brings a family to a state in this process, and to the end of a history in another. */
async function attempt({ start }: Bench, { random, folder }: Round, trial: Trial): Promise<undefined> {
  const file = join(folder, 'family.db');
  const parents = 1 + random.below(60);
  {
    using connection = open(file);
    migrate(connection, historyOf(FAMILY));
    fillFamily(connection, parents);
    migrate(connection, historyOf(...trial.applied));
  }
  rmSync(join(folder, 'backups'), { recursive: true, force: true });
  const migrations = writeFolder(join(folder, 'drizzle'), trial.history);
  const before = contents(folder);
  const { done, error, unexpected } = await start('migrate', { file, folder: migrations }).last<Answer>();
  assert.equal(unexpected, undefined);
  if (trial.refused) {
    assert.equal(error?.code, trial.refused.code, error?.message);
    assert.match(error.message, trial.refused.message);
    assert.ok(error.hint.length > 10);
    rmSync(join(folder, 'backups'), { recursive: true, force: true });
    assert.deepEqual(contents(folder), before);
  } else assert.ok(done, error?.message);
  using connection = open(file);
  assert.equal(count(connection, 'parents'), parents);
  assert.equal(count(connection, 'children'), parents * CHILDREN_OF_EACH);
  assert.deepEqual(connection.prepare('PRAGMA foreign_key_check').all(), []);
  assert.equal(connection.pragma('integrity_check', { simple: true }), 'ok');
  const applied = trial.refused ? trial.applied : trial.history.migrations;
  assert.deepEqual(
    ledgerHashes(connection),
    applied.map(({ hash }) => hash),
  );
  return undefined;
}

function scenario(name: string, promise: string, trialOf: (random: Random) => Trial): Scenario {
  return {
    name,
    promise,
    sides: EACH,
    rounds: { quick: 2, usual: 20 },
    prepare: (bench) => (round) => attempt(bench, round, trialOf(round.random)),
  };
}

/** What goes wrong between a database and its migrations. */
export const HISTORIES: readonly Scenario[] = [
  scenario('rebuilt-parent', 'A migration that rebuilds a parent table keeps the children.', () => ({
    applied: [FAMILY],
    history: historyOf(FAMILY, REBUILD_PARENTS),
  })),
  scenario('lost-rows', 'A migration that would lose rows it did not declare is rolled back.', (random) => ({
    applied: [FAMILY],
    history: historyOf(FAMILY, migration('0001_lost', `DELETE FROM children WHERE rowid % ${1 + random.below(3)} = 0`)),
    refused: { code: 'MIGRATION_DATA_LOSS', message: /rows of children/ },
  })),
  scenario('dangling-references', 'A migration that leaves dangling references is rolled back.', (random) => {
    const rowid = 1 + random.below(3);
    return {
      applied: [FAMILY],
      history: historyOf(
        FAMILY,
        migration('0001_dangling', `UPDATE children SET parent_id = 'gone' WHERE rowid = ${rowid}`),
      ),
      refused: { code: 'MIGRATION_FOREIGN_KEYS', message: new RegExp(`from children to parents, rowid ${rowid}`) },
    };
  }),
  scenario('late-merge', 'An entry that a merge put before the last applied one is refused.', () => ({
    applied: [FAMILY, CITIES],
    history: historyOf(FAMILY, AGES, CITIES),
    refused: { code: 'MIGRATION_OUT_OF_ORDER', message: /0001_ages is not applied/ },
  })),
  scenario('edited-migration', 'An applied entry that was edited is refused, with both hashes.', () => ({
    applied: [FAMILY, AGES],
    history: historyOf(FAMILY, edited(AGES), CITIES),
    refused: { code: 'MIGRATION_EDITED', message: new RegExp(`${AGES.hash}.*${edited(AGES).hash}`) },
  })),
  scenario('changed-time-stamp', 'An applied entry whose time stamp changed is known by its hash.', (random) => ({
    applied: [FAMILY, AGES],
    history: historyOf({ ...FAMILY, when: 1 + random.below(1e9) }, { ...AGES, when: 1 + random.below(2e9) }),
  })),
  scenario('newer-database', 'A database that is newer than the code is refused, and the entries are named.', () => ({
    applied: [FAMILY, AGES],
    history: historyOf(FAMILY),
    refused: { code: 'MIGRATION_NEWER_DATABASE', message: /0001_ages \(applied 20/ },
  })),
  scenario('two-statements', 'A chunk of two statements is refused, and neither is run.', () => ({
    applied: [FAMILY],
    history: historyOf(FAMILY, migration('0001_two', 'CREATE TABLE a (id); DROP TABLE children')),
    refused: { code: 'MIGRATION_FAILED', message: /holds 2 statements/ },
  })),
];
