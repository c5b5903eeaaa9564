import type { Connection } from '../connection/connection.ts';
import { DorkDbError, MigrationError } from '../errors.ts';
import { isError } from '../realm.ts';
import { logOf } from './names.ts';

/**
 * What SQLite says of the first trigger or view that names a table or a column which is not there; undefined where
 * there is none. SQLite compiles them all when it renames a table, so one is renamed, and the renaming undone.
 * https://sqlite.org/lang_altertable.html
 */
export function brokenObject(connection: Connection): string | undefined {
  // A migration may have turned it on; renaming then compiles nothing.
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
 * A statement that fires such a trigger fails, long after the migration that broke it.
 *
 * @throws MigrationError of kind `failed` where a trigger or a view is broken that was not before.
 */
export function refuseBroken(tags: readonly string[], before: string | undefined, after: string | undefined): void {
  if (after === undefined || after === before) return;
  throw new MigrationError(
    'failed',
    `${tags.join(', ')} would leave a trigger or a view that cannot run: ${after}. It was rolled back.`,
    { hint: 'Drop it, or make it anew, in the same migration.' },
  );
}
