import type { Connection } from '../connection/connection.ts';
import type { Recorder } from './recorder.ts';

const recorders = new WeakMap<Connection, Set<Recorder>>();

/**
 * Attaches a recorder to a connection, in addition to other recorders. It records every statement until the returned
 * function is called.
 */
export function attach(connection: Connection, recorder: Recorder): () => void {
  const all = recorders.get(connection) ?? new Set();
  recorders.set(connection, all);
  const compose = () => {
    const each = [...all];
    connection.wrapper =
      each.length === 0 ? undefined : (statement, sql) => each.reduce((inner, one) => one.wrap(inner, sql), statement);
  };
  all.add(recorder);
  compose();
  const deaf = connection.onWait((milliseconds) => recorder.waited(milliseconds));
  return () => {
    deaf();
    if (all.delete(recorder)) compose();
  };
}
