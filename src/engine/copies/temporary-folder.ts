import { join } from 'node:path';
import type { Adapter } from '../driver/adapter.ts';
import { Making } from './making.ts';
import { sweepSync } from './sweep.ts';

/** A folder that only its owner can enter. It is removed with its content at the end of the block. */
export interface TemporaryFolder extends Disposable {
  readonly path: string;
}

/**
 * Creates a folder named e.g. `NAME.1f0c88aa.partial`, and removes earlier ones that were left by killed processes.
 *
 * @throws BackupError `CANNOT_CREATE`, `CANNOT_LOCK`
 */
export function temporaryFolder(adapter: Adapter, parent: string, name: string): TemporaryFolder {
  sweepSync(adapter, parent, (other) => other === name);
  return new Making(adapter, join(parent, name), { isFolder: true });
}
