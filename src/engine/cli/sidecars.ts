import { statSync } from 'node:fs';
import type { Schema } from '../connection/db.ts';
import type { DefinedDb } from '../define-db.ts';

/**
 * A read-only connection leaves an empty -wal and a -shm behind; one that may write takes them away when it closes, if
 * it is the last.
 */
export function removeSidecars(kit: DefinedDb<Schema>, filename: string): void {
  if (statSync(`${filename}-wal`, { throwIfNoEntry: false })?.size !== 0) return;
  try {
    // Nothing is asked of it: a connection that was used gathers statistics when it closes.
    kit.createDb(filename, { migrations: 'skip' }).$client.close();
  } catch {
    // Who cannot write the file leaves them; they are empty and do no harm.
  }
}
