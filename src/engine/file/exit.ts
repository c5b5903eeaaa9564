import type { Connection } from '../connection/connection.ts';

type Reference = WeakRef<Connection>;

/** The connections to close when the process exits. */
interface AtExit {
  /** Each with what closes its file without the connection itself. */
  readonly open: Map<Reference, () => void>;
  readonly closeAll: () => void;
  readonly collected: FinalizationRegistry<Reference>;
}

/** One for all copies of this module: `bun --hot` evaluates it again at each reload, and each would add a listener. */
const SHARED = Symbol.for('@dorkos/db/at-exit/1');

function atExit(): AtExit {
  const shared = globalThis as { [SHARED]?: AtExit };
  shared[SHARED] ??= create();
  return shared[SHARED];
}

function create(): AtExit {
  const open: AtExit['open'] = new Map();
  const closeAll = () => {
    for (const [reference, close] of open) {
      const connection = reference.deref();
      quietly(connection ? () => connection.close() : close);
    }
  };
  const collected = new FinalizationRegistry<Reference>((reference) => {
    const close = open.get(reference);
    if (close) quietly(close);
    forget(reference);
  });
  return { open, closeAll, collected };
}

function quietly(close: () => void): void {
  try {
    close();
  } catch {
    // The process exits, or nobody has the connection; SQLite recovers from the -wal at the next opening.
  }
}

function forget(reference: Reference): void {
  const { open, closeAll } = atExit();
  open.delete(reference);
  if (open.size === 0) process.off('exit', closeAll);
}

/**
 * Closes a connection when the process exits, or when it is garbage. Otherwise better-sqlite3 leaves its -wal and -shm,
 * which is safe, but a copy of the file alone would be incomplete; and a driver that closes a collected database does not
 * look whether the -wal is another one by now.
 */
export function closeAtExit(connection: Connection): void {
  const { open, closeAll, collected } = atExit();
  if (open.size === 0) process.once('exit', closeAll);
  const { database, openFile } = connection;
  const reference = new WeakRef(connection);
  open.set(reference, () => database.close(openFile?.hasOtherWal()));
  collected.register(connection, reference, reference);
  connection.onClose(() => {
    collected.unregister(reference);
    forget(reference);
  });
}
