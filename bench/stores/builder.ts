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
  return drizzle({ client: client as never });
}

/** Rows that a write changed; Drizzle's types leave it open. */
export function changesOf(result: unknown): number {
  return (result as { changes: number }).changes;
}
