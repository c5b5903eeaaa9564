import { statSync } from 'node:fs';
import type { Schema } from '../connection/db.ts';
import type { DefinedDb } from '../define-db.ts';

/**
 * Removes the empty -wal and the -shm that a read-only connection has left: a writing connection removes them when it
 * closes, if it is the last one.
 */
export function removeSidecars(kit: DefinedDb<Schema>, filename: string): void {
  if (statSync(`${filename}-wal`, { throwIfNoEntry: false })?.size !== 0) return;
  try {
    // The connection runs no statement: one that was used gathers statistics when it closes.
    kit.createDb(filename, { migrations: 'skip' }).$client.close();
  } catch {
    // This user cannot write the file. The sidecars are empty and do no harm.
  }
}
