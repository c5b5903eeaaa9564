import { dirname } from 'node:path';
import type { Connection } from '../connection/connection.ts';
import { fsyncPath } from '../file/flush.ts';
import { Making, type MakingOptions } from './making.ts';
import { assertRoom, databaseBytes } from './room.ts';

/** Options for {@link copyDatabase}. */
export interface CopyOptions extends MakingOptions {
  /** Moves the finished copy to its final name. Default: a rename. */
  readonly swap?: (path: string) => void;
}

/**
 * Copies the current state of a database into a new file. The copy has a temporary name and mode 0600 until it is
 * flushed to the disk and checked by `verify`. Then it gets its final name and replaces any file there.
 * https://sqlite.org/lang_vacuum.html#vacuuminto
 *
 * @param source A connection without a transaction; other connections may write meanwhile.
 * @param verify Throws if the copy, opened read-only, is wrong.
 * @throws BackupError `NO_ROOM`, `CANNOT_CREATE`; no file is left.
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
  // Read-only: SQLite would otherwise repair a truncated copy into an empty one, instead of failing with
  // SQLITE_READONLY_ROLLBACK.
  using copy = source.sibling(making.path, { readonly: true });
  verify(copy);
  copy.close();
  making.replace(swap);
}
