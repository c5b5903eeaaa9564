import type { Connection } from '../connection/connection.ts';

const open = new Set<WeakRef<Connection>>();

/**
 * Closes a connection when the process exits. Otherwise better-sqlite3 leaves its -wal and -shm, which is safe, but a
 * copy of the file alone would be incomplete.
 */
export function closeAtExit(connection: Connection): void {
  if (open.size === 0) process.once('exit', closeAll);
  const reference = new WeakRef(connection);
  open.add(reference);
  connection.onClose(() => {
    open.delete(reference);
    if (open.size === 0) process.off('exit', closeAll);
  });
}

function closeAll(): void {
  for (const reference of open) {
    try {
      reference.deref()?.close();
    } catch {
      // The process exits; SQLite recovers from the -wal at the next opening.
    }
  }
}
