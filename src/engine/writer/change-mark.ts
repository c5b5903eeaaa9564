import { rmSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { Making } from '../copies/making.ts';
import { sweepSync } from '../copies/sweep.ts';
import type { Adapter } from '../driver/adapter.ts';
import { fsyncPath } from '../file/flush.ts';
import { giveTo, ownerOf } from '../file/owner.ts';
import { type Mark, markPath } from './mark.ts';

/**
 * Writes the mark.
 *
 * @throws BackupError as {@link Making}.
 */
export function writeMark(adapter: Adapter, filename: string, mark: Mark): void {
  const path = markPath(filename);
  sweepSync(adapter, dirname(path), (name) => name === basename(path));
  using making = new Making(adapter, path);
  writeFileSync(making.path, `${JSON.stringify(mark)}\n`);
  giveTo(ownerOf(filename), making.path);
  fsyncPath(making.path);
  making.replace();
}

/** Removes the mark. */
export function removeMark(filename: string): void {
  rmSync(markPath(filename), { force: true });
  fsyncPath(dirname(filename));
}
