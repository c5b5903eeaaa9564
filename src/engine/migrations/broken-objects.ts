import type { Connection } from '../connection/connection.ts';
import { DorkDbError, MigrationError } from '../errors.ts';
import { isError } from '../realm.ts';
import { logOf } from './names.ts';

/**
 * Returns SQLite's error for the first trigger or view that names a missing table or column; undefined if there is
 * none. SQLite compiles all of them when it renames a table, so this renames one and rolls back.
 * https://sqlite.org/lang_altertable.html
 */
export function brokenObject(connection: Connection): string | undefined {
  // A migration may have turned this on. Renaming would then not compile anything.
  connection.exec('PRAGMA legacy_alter_table = OFF; SAVEPOINT probe');
  const broken = renameError(connection);
  connection.exec('ROLLBACK TO probe; RELEASE probe');
  return broken;
}

function renameError(connection: Connection): string | undefined {
  try {
    connection.exec(`ALTER TABLE ${logOf(connection)} RENAME TO ${logOf(connection)}_probe`);
    return undefined;
  } catch (error) {
    if (!(error instanceof DorkDbError) || error.code !== 'SQLITE_ERROR') throw error;
    return isError(error.cause) ? error.cause.message : error.message;
  }
}

/**
 * Refuses migrations that break a trigger or a view. Otherwise a statement that uses it would fail long afterwards.
 *
 * @throws MigrationError of kind `failed` if a trigger or view is broken that was not broken before.
 */
export function refuseBroken(tags: readonly string[], before: string | undefined, after: string | undefined): void {
  if (after === undefined || after === before) return;
  throw new MigrationError(
    'failed',
    `${tags.join(', ')} would leave a broken trigger or view: ${after}. It was rolled back.`,
    { hint: 'Drop it or create it again in the same migration.' },
  );
}
