import type { DatabaseSync } from 'node:sqlite';

export interface NodeSqlite {
  readonly DatabaseSync: typeof DatabaseSync;
}

/** Returns the SQLite that is built into this runtime as `node:sqlite`, sound or not; undefined if it has none. */
export function builtinSqlite(): NodeSqlite | undefined {
  if (process.versions.deno) return undefined;
  const { emitWarning } = process;
  // Older Nodes warn of an experiment when the module is loaded. It is not used for data there.
  process.emitWarning = () => undefined;
  try {
    return process.getBuiltinModule('node:sqlite') as NodeSqlite | undefined;
  } catch {
    return undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}
