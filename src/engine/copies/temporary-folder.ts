import { join } from 'node:path';
import type { Adapter } from '../driver/adapter.ts';
import { Making } from './making.ts';
import { sweepSync } from './sweep.ts';

/** A folder that only its owner may enter; removed with all that is in it at the end of the block. */
export interface TemporaryFolder extends Disposable {
  readonly path: string;
}

/**
 * Makes a folder as `NAME.1f0c88aa.partial`, and removes those of this name that killed processes left beside it.
 *
 * @throws BackupError `CANNOT_CREATE`, `CANNOT_LOCK`
 */
export function temporaryFolder(adapter: Adapter, parent: string, name: string): TemporaryFolder {
  sweepSync(adapter, parent, (other) => other === name);
  return new Making(adapter, join(parent, name), { isFolder: true });
}
