import type { Connection } from '../../src/engine/connection/connection.ts';
import type { History } from '../../src/engine/migrations/history.ts';
import { migrate } from '../../src/engine/migrations/runner.ts';
import { type PopulateOptions, populate } from './populate.ts';

/** The beginning of a history. */
export function historyUpTo(history: History, count: number): History {
  return { applicationId: history.applicationId, migrations: history.migrations.slice(0, count) };
}

/**
 * Brings an empty database to the point where the first `count` migrations are applied, and fills every table that it
 * has there.
 */
export function databaseAt(
  connection: Connection,
  history: History,
  count: number,
  options: PopulateOptions = {},
): void {
  migrate(connection, historyUpTo(history, count), { snapshot: false });
  populate(connection, options);
}
