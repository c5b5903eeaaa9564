import type { DatabaseSync } from 'node:sqlite';

export interface NodeSqlite {
  readonly DatabaseSync: typeof DatabaseSync;
}

/** Returns Node's own SQLite, sound or not; undefined if this runtime has none. */
export function builtinSqlite(): NodeSqlite | undefined {
  if (process.versions.bun || process.versions.deno) return undefined;
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
