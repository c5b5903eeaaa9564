import type { Connection } from '../core/connection.ts';
import { DorkDbError } from '../core/errors.ts';

/** What is to be called when a connection closes, while backups of it run. */
const abandoning = new WeakMap<Connection, Set<() => void>>();

/** How many backups of a connection run, and what `wal_autocheckpoint` was before the first of them. */
const paused = new WeakMap<Connection, { running: number; readonly usual: unknown }>();

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
 * Leaves checkpoints to the thread of the backup until the returned function is first called. The copy reads one state of the
 * file, so meanwhile the -wal grows and no checkpoint can empty it; the first write after it would then have to move
 * all of it at once, and stop the event loop for half a second.
 */
export function pauseCheckpoints(connection: Connection): () => void {
  if (connection.readonly) return () => {};
  let state = paused.get(connection);
  if (!state) {
    state = { running: 0, usual: connection.pragma('wal_autocheckpoint', { simple: true }) };
    paused.set(connection, state);
  }
  const { usual } = state;
  if (state.running++ === 0) setAutocheckpoint(connection, 0);
  let isPaused = true;
  return () => {
    if (!isPaused) return;
    isPaused = false;
    if (--state.running > 0) return;
    paused.delete(connection);
    if (connection.isOpen) setAutocheckpoint(connection, usual);
  };
}

/** A connection that is busy at this moment keeps its setting: the pause is only for speed. */
function setAutocheckpoint(connection: Connection, pages: unknown): void {
  try {
    connection.pragma(`wal_autocheckpoint = ${pages}`);
  } catch (error) {
    if (!(error instanceof DorkDbError)) throw error;
  }
}
