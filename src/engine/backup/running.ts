import type { Connection } from '../connection/connection.ts';

/** Callbacks for the closing of a connection, while backups of it run. */
const abandoning = new WeakMap<Connection, Set<() => void>>();

/** Number of running backups of a connection, and its `wal_autocheckpoint` before the first of them. */
const paused = new WeakMap<Connection, { running: number; readonly usual: number | undefined }>();

/** Calls back once if the connection closes before the returned function is called. */
export function whileOpen(connection: Connection, onClose: () => void): () => void {
  let callbacks = abandoning.get(connection);
  if (!callbacks) {
    const all = new Set<() => void>();
    connection.onClose(() => {
      for (const callback of all) callback();
    });
    abandoning.set(connection, all);
    callbacks = all;
  }
  callbacks.add(onClose);
  return () => void callbacks.delete(onClose);
}

/**
 * Leaves checkpoints to the thread of the backup until the returned function is first called. The copy reads a single
 * state of the file, so the -wal grows and no checkpoint can empty it. The first write afterwards would then move
 * everything at once, and block the event loop for half a second.
 */
export function pauseCheckpoints(connection: Connection): () => void {
  let state = paused.get(connection);
  if (!state) {
    state = { running: 0, usual: autocheckpoint(connection) };
    paused.set(connection, state);
  }
  const { usual } = state;
  if (state.running++ === 0) autocheckpoint(connection, 0);
  let isPaused = true;
  return () => {
    if (!isPaused) return;
    isPaused = false;
    if (--state.running > 0) return;
    paused.delete(connection);
    if (connection.isOpen && usual !== undefined) autocheckpoint(connection, usual);
  };
}

/**
 * Reads or sets how many pages of the -wal a connection accumulates. Returns undefined if the connection is busy, e.g.
 * while better-sqlite3 iterates over rows. The pause only affects speed.
 */
function autocheckpoint(connection: Connection, pages?: number): number | undefined {
  if (connection.readonly) return undefined;
  try {
    const value = pages === undefined ? '' : ` = ${pages}`;
    return Number(connection.pragma(`wal_autocheckpoint${value}`, { simple: true }));
  } catch {
    return undefined;
  }
}
