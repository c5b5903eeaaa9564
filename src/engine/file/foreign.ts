import type { Connection } from '../connection/connection.ts';
import type { Host } from '../host.ts';

/** A database of another program: what every function says that refuses it. */
export interface Foreign {
  readonly code: string;
  /** What it is, after the path: `is the database of …`. */
  readonly what: string;
  /** What to do about it at the path of a database of the host. */
  readonly hint: string;
  /** Returns what to do with such a file that was given to be read, e.g. as a backup. Default: {@link hint}. */
  readonly sourceHint?: (path: string) => string;
}

/** How files of a definition are told from others. */
export interface Recognition {
  /** Returns true if a file that is not empty is a database of the definition. */
  readonly isOurs: (connection: Connection) => boolean;
  /** Says more of a database of another program, if it is known. Default: it is not. */
  readonly foreign?: ((connection: Connection) => Foreign | undefined) | undefined;
  /** Whose database it should be. */
  readonly host: Host;
}

/** Answers whose file it is: undefined for one of the definition, and for one that holds nothing. */
export function foreignOf(connection: Connection, { isOurs, foreign, host }: Recognition): Foreign | undefined {
  if (isEmpty(connection) || isOurs(connection)) return undefined;
  return (
    foreign?.(connection) ?? {
      code: 'NOT_OURS',
      what: 'is a SQLite database of another program',
      hint: `Give the path of a database of ${host.name}.`,
    }
  );
}

/** True for a file that holds nothing: no table, and no mark of another program. */
function isEmpty(connection: Connection): boolean {
  if (connection.pragma('application_id', { simple: true }) !== 0) return false;
  return connection.prepare<{ n: number }>('SELECT count(*) AS n FROM sqlite_schema').get()?.n === 0;
}
