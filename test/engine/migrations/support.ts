import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '../../../src/engine/connection/connection.ts';
import type { Adapter } from '../../../src/engine/driver/adapter.ts';
import { openConnection } from '../../../src/engine/file/open.ts';
import { type History, hashOf, type Migration } from '../../../src/engine/migrations/history.ts';
import { DRIVER, RUNTIME } from '../../support/runtime.ts';

/** The adapter that this test runs on. */
export const adapter: Adapter =
  RUNTIME === 'bun'
    ? (await import('../../../src/engine/driver/on-bun.ts')).onBun()
    : (await import('../../../src/engine/driver/on-node.ts')).onNode(DRIVER);

/** Opens a file of any history. */
export function open(path: string): Connection {
  return openConnection(adapter, path, {
    applicationId: 0,
    isOurs: () => true,
    host: { name: 'dork', command: 'dork-db' },
  });
}

const FIRST_WHEN = Date.UTC(2026, 0, 1);

/** A migration as drizzle-kit would make it: the statements divided by breakpoints. */
export function migration(tag: string, ...statements: string[]): Migration {
  const sql = statements.join(';\n--> statement-breakpoint\n');
  return { tag, when: FIRST_WHEN + Number.parseInt(tag, 10) * 1000, hash: hashOf(sql), sql };
}

export function historyOf(...migrations: Migration[]): History {
  return { migrations };
}

/** Writes a history as a folder that Drizzle reads. */
export function writeFolder(folder: string, { migrations }: History): string {
  mkdirSync(join(folder, 'meta'), { recursive: true });
  const entries = migrations.map(({ tag, when }, idx) => ({ idx, version: '6', when, tag, breakpoints: true }));
  writeFileSync(join(folder, 'meta', '_journal.json'), JSON.stringify({ version: '7', dialect: 'sqlite', entries }));
  for (const { tag, sql } of migrations) writeFileSync(join(folder, `${tag}.sql`), sql);
  return folder;
}

/** Parents with children that go with them, and a tag for each: the shape that a careless rebuild empties. */
export const FAMILY = migration(
  '0000_family',
  'CREATE TABLE parents (id text PRIMARY KEY NOT NULL, name text NOT NULL)',
  `CREATE TABLE children (id integer PRIMARY KEY, parent_id text NOT NULL REFERENCES parents(id) ON DELETE CASCADE, note text)`,
  'CREATE INDEX children_parent ON children (parent_id)',
);

/** drizzle-kit's own shape of making `name` nullable. */
export const REBUILD_PARENTS = migration(
  '0001_optional_names',
  'PRAGMA foreign_keys=OFF',
  'CREATE TABLE `__new_parents` (`id` text PRIMARY KEY NOT NULL, `name` text)',
  'INSERT INTO `__new_parents`("id", "name") SELECT "id", "name" FROM `parents`',
  'DROP TABLE `parents`',
  'ALTER TABLE `__new_parents` RENAME TO `parents`',
  'PRAGMA foreign_keys=ON',
);

export const CHILDREN_OF_EACH = 3;

/** A number of parents, each with three children. */
export function fillFamily(connection: Connection, parents = 10): void {
  connection.runTransaction(() => {
    const parent = connection.prepare('INSERT INTO parents (id, name) VALUES (?, ?)');
    const child = connection.prepare('INSERT INTO children (parent_id, note) VALUES (?, ?)');
    for (let i = 0; i < parents; i++) {
      parent.run(`p${i}`, `name ${i}`);
      for (let j = 0; j < CHILDREN_OF_EACH; j++) child.run(`p${i}`, `note ${i} ${j}`);
    }
  });
}

/** How many rows a table has. */
export function count(connection: Connection, table: string): number {
  return connection.prepare<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).get()?.n ?? 0;
}

/** The hashes of the ledger, oldest first. */
export function ledgerHashes(connection: Connection): string[] {
  return connection
    .prepare<{ hash: string }>('SELECT hash FROM __drizzle_migrations ORDER BY rowid')
    .all()
    .map(({ hash }) => hash);
}
