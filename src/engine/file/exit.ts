import type { Connection } from '../connection/connection.ts';

/** The connections to close when the process exits. */
interface AtExit {
  readonly open: Set<WeakRef<Connection>>;
  readonly closeAll: () => void;
}

/** One for all copies of this module: `bun --hot` evaluates it again at each reload, and each would add a listener. */
const SHARED = Symbol.for('@dorkos/db/at-exit/1');

function atExit(): AtExit {
  const shared = globalThis as { [SHARED]?: AtExit };
  shared[SHARED] ??= create();
  return shared[SHARED];
}

function create(): AtExit {
  const open: AtExit['open'] = new Set();
  const closeAll = () => {
    for (const reference of open) {
      try {
        reference.deref()?.close();
      } catch {
        // The process exits; SQLite recovers from the -wal at the next opening.
      }
    }
  };
  return { open, closeAll };
}

/**
 * Closes a connection when the process exits. Otherwise better-sqlite3 leaves its -wal and -shm, which is safe, but a
 * copy of the file alone would be incomplete.
 */
export function closeAtExit(connection: Connection): void {
  const { open, closeAll } = atExit();
  if (open.size === 0) process.once('exit', closeAll);
  const reference = new WeakRef(connection);
  open.add(reference);
  connection.onClose(() => {
    open.delete(reference);
    if (open.size === 0) process.off('exit', closeAll);
  });
}
