import type { Connection } from '../connection/connection.ts';

const open = new Set<WeakRef<Connection>>();

/**
 * better-sqlite3 leaves the -wal and -shm of a connection that the process never closed; a -wal that stays is safe but
 * surprises whoever copies the file alone.
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
      // The process ends; SQLite recovers from the -wal at the next opening.
    }
  }
}
