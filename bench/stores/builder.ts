import type { DatabaseSync } from 'node:sqlite';
import type { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core';
import { openConfigured } from '../harness/bare.ts';

/** Drizzle as its documentation shows it: its own driver package, the query built on each call. */
export type Builder = BaseSQLiteDatabase<'sync', unknown>;

/** Opens a file with Drizzle's own package for this runtime's driver. */
export async function openBuilder(path: string): Promise<Builder> {
  const client = openConfigured(path);
  if (process.versions.bun) {
    const { drizzle } = await import('drizzle-orm/bun-sqlite');
    return drizzle({ client: client as never });
  }
  const { drizzle } = await import('drizzle-orm/better-sqlite3');
  const isOwn = process.env.DORK_DB_DRIVER === 'node:sqlite';
  return drizzle({ client: (isOwn ? withRaw(client as unknown as DatabaseSync) : client) as never });
}

/** Drizzle has no package for node:sqlite; that of better-sqlite3 needs `raw()` besides. */
function withRaw(database: DatabaseSync): object {
  const prepare = (sql: string) => {
    const statement = database.prepare(sql);
    const raw = () => {
      statement.setReturnArrays(true);
      return statement;
    };
    return Object.assign(statement, { raw });
  };
  return { prepare };
}

/** Rows that a write changed; Drizzle's types leave it open. */
export function changesOf(result: unknown): number {
  return (result as { changes: number }).changes;
}
