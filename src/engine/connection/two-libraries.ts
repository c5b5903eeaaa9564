import { statSync } from 'node:fs';
import type { Adapter } from '../driver/adapter.ts';
import { isOpenByAnother } from '../driver/register.ts';
import { DatabaseOpenError } from '../errors.ts';

/** @throws DatabaseOpenError `TWO_LIBRARIES` if another SQLite library of this process has the file open. */
export function refuseSecondLibrary(adapter: Adapter, filename: string): void {
  if (filename === ':memory:') return;
  const file = statSync(filename, { throwIfNoEntry: false });
  if (!file || !isOpenByAnother(file, adapter.library())) return;
  throw new DatabaseOpenError(
    'TWO_LIBRARIES',
    `Another SQLite library of this process has ${filename} open, and two of them would delete each other's commits. Nothing was opened.`,
    {
      hint: 'Let every part of this process use one copy and version of the driver, or open the file in another process.',
    },
  );
}
