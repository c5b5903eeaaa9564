import type { Connection } from '../connection/connection.ts';
import { DatabaseOpenError } from '../errors.ts';
import type { Host } from '../host.ts';

/** A database of another program, as described by the errors that refuse it. */
export interface Foreign {
  readonly code: string;
  /** A description that follows the path: `is the database of …`. */
  readonly what: string;
  /** What to do if it is at the path of the host's database. */
  readonly hint: string;
  /** Returns what to do with such a file if it was given as a source, e.g. as a backup. Default: {@link hint}. */
  readonly sourceHint?: (path: string) => string;
}

/** How to recognize files of a definition. */
export interface Recognition {
  /** Returns true if a file that is not empty is a database of the definition. */
  readonly isOurs: (connection: Connection) => boolean;
  /** Describes a database of another program if it is a known one. Default: none is known. */
  readonly foreign?: ((connection: Connection) => Foreign | undefined) | undefined;
  /** The host of the database. */
  readonly host: Host;
}

/** Returns the other program of a file; undefined if the file belongs to the definition or is empty. */
export function foreignOf(connection: Connection, { isOurs, foreign, host }: Recognition): Foreign | undefined {
  if (isEmpty(connection) || isOurs(connection)) return undefined;
  return (
    foreign?.(connection) ?? {
      code: 'NOT_OURS',
      what: 'is a SQLite database of another program',
      hint: `Pass the path of a database of ${host.name}.`,
    }
  );
}

const refused = new WeakSet<object>();

/** Returns the error that refuses to open a database of another program. */
export function foreignError(filename: string, { code, what, hint }: Foreign): DatabaseOpenError {
  const error = new DatabaseOpenError(code, `${filename} ${what}. It was not changed.`, { hint });
  refused.add(error);
  return error;
}

/** Returns true for an error of {@link foreignError}. */
export function isForeignError(error: unknown): error is DatabaseOpenError {
  return error instanceof DatabaseOpenError && refused.has(error);
}

/** Returns true for a file without tables and without the mark of another program. */
function isEmpty(connection: Connection): boolean {
  if (connection.pragma('application_id', { simple: true }) !== 0) return false;
  return connection.prepare<{ n: number }>('SELECT count(*) AS n FROM sqlite_schema').get()?.n === 0;
}
