import type { Connection } from '../connection/connection.ts';
import { DorkDbError, MigrationError } from '../errors.ts';
import { messageOf } from '../realm.ts';
import type { Migration } from './history.ts';
import type { MigrationStep } from './steps.ts';

/** A pending migration and its statements. */
export interface Work {
  readonly migration: Migration;
  readonly steps: readonly MigrationStep[];
  /** Returns the names of tables and objects that it may lose, in lower case. */
  readonly allowed: () => ReadonlySet<string>;
}

/**
 * Runs one statement.
 *
 * @throws MigrationError of kind `failed`
 */
export function runStep(connection: Connection, migration: Migration, { sql, position }: MigrationStep): void {
  try {
    connection.prepare(sql).all();
  } catch (cause) {
    const reason = messageOf(cause);
    throw new MigrationError(
      'failed',
      `Statement ${position} of ${migration.tag} failed, and everything was rolled back. ${reason}`,
      {
        hint: hintOf(cause),
        retryable: cause instanceof DorkDbError && cause.retryable,
        cause,
      },
    );
  }
}

function hintOf(cause: unknown): string {
  return (
    hintOfRename(cause) ??
    (cause instanceof DorkDbError ? cause.hint : 'Correct the migration; it was never applied here.')
  );
}

/**
 * Returns the hint for a rename that fails at a view or a trigger: it needs all their tables, of which a rebuild has just
 * dropped one.
 */
export function hintOfRename(cause: unknown): string | undefined {
  const [, type, name] = /error in (view|trigger) (.+?)(?: after \w+)?: no such table/.exec(messageOf(cause)) ?? [];
  if (!type || !name) return undefined;
  return `DROP the ${type} ${name} at the beginning of the migration, and create it again at the end.`;
}
