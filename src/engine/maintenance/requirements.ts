import type { Connection } from '../connection/connection.ts';
import { DorkDbError } from '../errors.ts';

/** @throws DorkDbError `READ_ONLY` */
export function requireWritable(connection: Connection, undone: string): void {
  if (!connection.readonly) return;
  throw new DorkDbError('READ_ONLY', `The connection to ${connection.filename} is read-only. ${undone}`, {
    hint: 'Open it for writing.',
  });
}

/** @throws DorkDbError `IN_TRANSACTION` */
export function requireNoTransaction(connection: Connection, undone: string, hint: string): void {
  if (!connection.inTransaction) return;
  throw new DorkDbError('IN_TRANSACTION', `A transaction runs on ${connection.filename}. ${undone}`, { hint });
}
