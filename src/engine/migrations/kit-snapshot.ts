import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isThere } from '../file/fs.ts';

/** The part of drizzle-kit's snapshot of a schema that is used. */
export interface KitSnapshot {
  readonly tables: Readonly<Record<string, KitTable>>;
}

export interface KitTable {
  readonly name: string;
  readonly columns: Readonly<
    Record<
      string,
      { readonly name: string; readonly type: string; readonly notNull: boolean; readonly default?: unknown }
    >
  >;
  readonly indexes: Readonly<Record<string, { readonly name: string; readonly isUnique: boolean }>>;
  readonly foreignKeys: Readonly<Record<string, { readonly tableTo: string; readonly onDelete?: string }>>;
  readonly checkConstraints: Readonly<Record<string, { readonly name: string }>>;
}

/** Returns the path of drizzle-kit's snapshot of the schema after an entry. */
export function snapshotPath(folder: string, idx: number): string {
  return join(folder, 'meta', `${String(idx).padStart(4, '0')}_snapshot.json`);
}

/** Returns undefined for a folder without the snapshot. */
export function readSnapshot(folder: string, idx: number): KitSnapshot | undefined {
  const path = snapshotPath(folder, idx);
  return isThere(path) ? (JSON.parse(readFileSync(path, 'utf8')) as KitSnapshot) : undefined;
}

/**
 * Returns the indexes that drizzle-kit had before an entry and no longer has after it. In a rebuild, drizzle-kit drops an
 * index by not creating it again.
 */
export function droppedIndexes(folder: string, idx: number): string[] {
  const [before, after] = [readSnapshot(folder, idx - 1), readSnapshot(folder, idx)];
  if (!before || !after) return [];
  const left = new Set(indexesOf(after));
  return indexesOf(before).filter((name) => !left.has(name));
}

function indexesOf({ tables }: KitSnapshot): string[] {
  return Object.values(tables).flatMap(({ indexes }) => Object.values(indexes).map(({ name }) => name));
}
