import { statSync } from 'node:fs';
import type { Adapter } from '../driver/adapter.ts';
import { registerOpen } from '../driver/process-files.ts';
import { type FileKey, isOpenByAnother } from '../driver/register.ts';
import { DatabaseOpenError } from '../errors.ts';

/**
 * Claims a file for a connection that is about to open it, until the returned function is called.
 *
 * @param present The file at the path, if the caller knows it. Default: it is looked up.
 * @throws DatabaseOpenError `TWO_LIBRARIES` if another SQLite library of this process has the file open.
 */
export function claimFile(adapter: Adapter, filename: string, present?: FileKey): () => void {
  const file = filename === ':memory:' ? undefined : (present ?? statSync(filename, { throwIfNoEntry: false }));
  if (!file) return () => undefined;
  const library = adapter.library();
  if (!isOpenByAnother(file, library)) return registerOpen(file, library);
  throw new DatabaseOpenError(
    'TWO_LIBRARIES',
    `Another SQLite library of this process has ${filename} open, and two of them would delete each other's commits. Nothing was opened.`,
    {
      hint: 'Let every part of this process use one copy and version of the driver, or open the file in another process.',
    },
  );
}
