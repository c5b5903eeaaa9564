import assert from 'node:assert/strict';
import type { Connection } from '../../../src/engine/connection/connection.ts';
import { MigrationError } from '../../../src/engine/errors.ts';
import type { History } from '../../../src/engine/migrations/history.ts';
import { type MigrateOptions, migrate } from '../../../src/engine/migrations/runner.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { historyOf, ledgerHashes, migration, open } from './support.ts';

/** A file after one migration of the given statements, filled by `fill`. */
export function fileWith(
  statements: readonly string[],
  fill: string,
  run: (connection: Connection, first: History) => void,
) {
  using folder = temporaryFolder();
  using connection = open(folder.file('own.db'));
  const first = historyOf(migration('0000_first', ...statements));
  migrate(connection, first);
  connection.exec(fill);
  run(connection, first);
}

export function then({ migrations }: History, ...more: History['migrations']): History {
  return historyOf(...migrations, ...more);
}

export function refused(
  connection: Connection,
  history: History,
  message: RegExp,
  options?: MigrateOptions,
): MigrationError {
  const ledger = ledgerHashes(connection);
  let caught: unknown;
  try {
    migrate(connection, history, options);
  } catch (error) {
    caught = error;
  }
  assert.ok(caught instanceof MigrationError, `${String(caught)} is not a MigrationError`);
  assert.equal(caught.kind, 'data_loss', caught.message);
  assert.match(caught.message, message);
  assert.deepEqual(ledgerHashes(connection), ledger);
  return caught;
}

export const NOTES =
  "CREATE TABLE notes (id integer PRIMARY KEY, body text, state text NOT NULL DEFAULT 'new', n integer)";
export const THREE = "INSERT INTO notes VALUES (1, 'a', 'done', NULL), (2, 'b', 'new', 5), (3, NULL, 'done', NULL)";

export function rebuild(table: string, definition: string, columns: string, from = columns) {
  return [
    `CREATE TABLE __new_${table} (${definition})`,
    `INSERT INTO __new_${table} (${columns}) SELECT ${from} FROM ${table}`,
    `DROP TABLE ${table}`,
    `ALTER TABLE __new_${table} RENAME TO ${table}`,
  ];
}

export const NOTES_NEW = "id integer PRIMARY KEY, body text, state text NOT NULL DEFAULT 'new', n integer";
