import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Connection } from '../../src/engine/connection/connection.ts';
import type { Adapter } from '../../src/engine/driver/adapter.ts';
import { openConnection } from '../../src/engine/file/open.ts';
import { type History, hashOf, type Migration } from '../../src/engine/migrations/history.ts';
import { migrate } from '../../src/engine/migrations/runner.ts';
import { type BareDatabase, openBare, openConfigured } from '../harness/bare.ts';
import { median, stopwatch } from '../harness/compare.ts';
import { importPackage } from '../harness/ours.ts';
import type { Cost, Measurement, SuiteOptions } from '../harness/suite.ts';

const BREAK = '\n--> statement-breakpoint\n';
const HISTORY = join(import.meta.dirname, '..', '..', 'drizzle');

async function adapter(): Promise<Adapter> {
  if (process.versions.bun) return (await import('../../src/engine/driver/bun-sqlite.ts')).bunSqlite;
  return (await import('../../src/engine/driver/better-sqlite3.ts')).betterSqlite3;
}

function migration(i: number, ...statements: string[]): Migration {
  const sql = statements.join(BREAK);
  return { tag: `${String(i).padStart(4, '0')}_step`, when: 1_700_000_000_000 + i, hash: hashOf(sql), sql };
}

/** A table with an index a migration, and a column more for the table of the one before. */
function growing(count: number): Migration[] {
  return Array.from({ length: count }, (_, i) =>
    migration(
      i,
      `CREATE TABLE t${i} (id integer PRIMARY KEY, name text NOT NULL, at integer)`,
      `CREATE INDEX t${i}_at ON t${i} (at)`,
      ...(i === 0 ? [] : [`ALTER TABLE t${i - 1} ADD COLUMN more text`]),
    ),
  );
}

/** What the bare driver runs: the same statements in one transaction. */
function runBare(database: BareDatabase, migrations: readonly Migration[]): void {
  database.exec('PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE');
  for (const { sql } of migrations) for (const statement of sql.split(BREAK)) database.prepare(statement).run();
  database.exec('COMMIT');
}

function timed(act: () => void): Cost {
  const stop = stopwatch();
  act();
  return stop(1);
}

/** Every arm by turns, each time on a file of its own; the median of each. */
function compared(operation: string, times: number, arms: Record<string, (turn: string) => Cost>): Measurement {
  const costs: Record<string, Cost[]> = Object.fromEntries(Object.keys(arms).map((arm) => [arm, []]));
  for (let i = 0; i < times; i++) for (const [arm, run] of Object.entries(arms)) costs[arm]?.push(run(`${arm}-${i}`));
  const of = (arm: string, by: keyof Cost) => median((costs[arm] ?? []).map((one) => one[by]));
  return {
    operation,
    arms: Object.fromEntries(Object.keys(arms).map((arm) => [arm, { wall: of(arm, 'wall'), cpu: of(arm, 'cpu') }])),
  };
}

function applying(folder: string, driver: Adapter, count: number, times: number): Measurement {
  const migrations = growing(count);
  const path = (turn: string) => join(folder, `apply-${count}-${turn}.db`);
  return compared(`${count} migrations, new file`, times, {
    ours: (turn) => {
      using connection = opened(driver, path(turn));
      return timed(() => void migrate(connection, { migrations }));
    },
    bare: (turn) => {
      const database = openConfigured(path(turn));
      const cost = timed(() => runBare(database, migrations));
      database.close();
      return cost;
    },
  });
}

function opened(driver: Adapter, path: string): Connection {
  return openConnection(driver, path, { applicationId: 0, isOurs: () => true, host: { name: 'bench' } });
}

const TABLES = migration(
  0,
  'CREATE TABLE parents (id integer PRIMARY KEY, name text, n integer)',
  'CREATE TABLE children (id integer PRIMARY KEY, parent_id integer REFERENCES parents(id), note text)',
  'CREATE TABLE others (id integer PRIMARY KEY, v text)',
);

/** 47 migrations as projects have them: columns, indexes, some updates, and each eighth rebuilds a table. */
const PENDING = Array.from({ length: 47 }, (_, i) => {
  const name = `x${i}`;
  if (i % 8 === 0) {
    return migration(
      i + 1,
      `CREATE TABLE __new_others (id integer PRIMARY KEY, v text)`,
      'INSERT INTO __new_others SELECT id, v FROM others',
      'DROP TABLE others',
      'ALTER TABLE __new_others RENAME TO others',
    );
  }
  if (i % 4 === 1) return migration(i + 1, `UPDATE parents SET n = n + ${i}`);
  if (i % 4 === 2) return migration(i + 1, `CREATE INDEX ${name} ON children (note) WHERE id % 7 = ${i % 7}`);
  return migration(i + 1, `ALTER TABLE children ADD COLUMN ${name} text`);
});

function fill(path: string, rows: number): void {
  const database = openConfigured(path);
  const numbers = (n: number) => `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${n})`;
  database.exec(`BEGIN;
    ${numbers(rows / 2)} INSERT INTO parents SELECT i, 'name ' || i, i FROM n;
    ${numbers(rows / 4)} INSERT INTO children SELECT i, i, 'note ' || i FROM n;
    ${numbers(rows / 4)} INSERT INTO others SELECT i, 'value ' || i FROM n; COMMIT`);
  database.close();
}

function pending(folder: string, driver: Adapter, rows: number, times: number): Measurement {
  const history: History = { migrations: [TABLES, ...PENDING] };
  const prepare = (turn: string): string => {
    const path = join(folder, `pending-${turn}.db`);
    using connection = opened(driver, path);
    migrate(connection, { migrations: [TABLES] });
    fill(path, rows);
    return path;
  };
  return compared(`47 pending, ${rows.toLocaleString('en')} rows, no snapshot (goal ≤ 2)`, times, {
    ours: (turn) => {
      using connection = opened(driver, prepare(turn));
      return timed(() => void migrate(connection, history, { snapshot: false }));
    },
    bare: (turn) => {
      const database = openConfigured(prepare(turn));
      const cost = timed(() => runBare(database, PENDING));
      database.close();
      return cost;
    },
  });
}

async function inMemory(entry: string, times: number): Promise<Measurement> {
  const { createDb } = await importPackage(entry);
  const load = createRequire(import.meta.url);
  const name = process.versions.bun ? 'bun-sqlite' : 'better-sqlite3';
  const { drizzle } = load(`drizzle-orm/${name}`);
  const { migrate: stock } = load(`drizzle-orm/${name}/migrator`);
  return compared("new database in memory; bare is Drizzle's migrate() (goal ≤ 2.5)", times, {
    ours: () => {
      const stop = stopwatch();
      const db = createDb(':memory:');
      const cost = stop(1);
      db.$client.close();
      return cost;
    },
    bare: () => {
      const stop = stopwatch();
      const client = openBare(':memory:');
      stock(drizzle({ client }), { migrationsFolder: HISTORY });
      const cost = stop(1);
      client.close();
      return cost;
    },
  });
}

export async function round({ folder, entry, rows, quick }: SuiteOptions): Promise<Measurement[]> {
  const driver = await adapter();
  const measured = [await inMemory(entry, quick ? 3 : 100)];
  for (const count of quick ? [10] : [10, 100, 400]) measured.push(applying(folder, driver, count, quick ? 1 : 3));
  measured.push(pending(folder, driver, rows, 1));
  return measured;
}
