import { dirname } from 'node:path';
import type { Connection } from '../connection/connection.ts';
import { fsyncPath } from '../file/flush.ts';
import { Making, type MakingOptions } from './making.ts';
import { assertRoom, databaseBytes } from './room.ts';

/** Options of {@link copyDatabase}. */
export interface CopyOptions extends MakingOptions {
  /** Gives the finished copy its name. Default: a rename. */
  readonly swap?: (path: string) => void;
}

/**
 * Copies a database, as it is at this moment, into a new file: under a temporary name with mode 0600, flushed to the
 * disk, read back by `verify`, and only then under its own name, which it takes from a file that has it.
 * https://sqlite.org/lang_vacuum.html#vacuuminto
 *
 * @param source A connection without a transaction; other connections may write meanwhile.
 * @param verify Throws if the copy, open read-only, is not what it should be.
 * @throws BackupError `NO_ROOM`, `CANNOT_CREATE`; nothing is left behind.
 */
export function copyDatabase(
  source: Connection,
  to: string,
  verify: (copy: Connection) => void,
  { swap, ...options }: CopyOptions = {},
): void {
  using making = new Making(source.adapter, to, options);
  assertRoom(dirname(to), databaseBytes(source), `a copy of ${source.filename}`);
  source.prepare('VACUUM INTO ?').run(making.path);
  fsyncPath(making.path);
  // Read-only: a copy that was cut off answers SQLITE_READONLY_ROLLBACK instead of being repaired into an empty one.
  using copy = source.sibling(making.path, { readonly: true });
  verify(copy);
  copy.close();
  making.replace(swap);
}
