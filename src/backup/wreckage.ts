import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { parseCopyName, wreckageAmong } from '../core/copy-name.ts';
import { fsPromises } from '../core/fs-promises.ts';

/**
 * What processes that were killed while they made a copy left in a folder: half files under temporary names.
 *
 * @param alsoOf The name of a file that is made there under a name of the caller's own.
 */
export function wreckageIn(folder: string, alsoOf?: string): string[] {
  let names: string[] = [];
  try {
    names = readdirSync(folder);
  } catch {
    // No folder, no wreckage.
  }
  return wreckageAmong(folder, names, (name) => parseCopyName(name) !== undefined || name === alsoOf);
}

/** Removes wreckage, and tells what it removed. */
export async function removeWreckage(folder: string, alsoOf?: string): Promise<string[]> {
  const paths = wreckageIn(folder, alsoOf && basename(alsoOf));
  for (const path of paths) await fsPromises().rm(path, { force: true, recursive: true });
  return paths;
}
