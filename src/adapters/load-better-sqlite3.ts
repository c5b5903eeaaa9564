import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { RunResult, SqliteValue } from '../core/adapter.ts';
import { UnsupportedRuntimeError } from '../core/errors.ts';
import { isAtLeast } from '../core/version.ts';

/** better-sqlite3 13 is built against this Node-API level and ends the process with SIGSEGV below it. */
const OLDEST_NODE = '22.14.0';

/** What is used of the driver. */
export interface BetterStatement {
  readonly reader: boolean;
  readonly readonly: boolean;
  run(...params: SqliteValue[]): RunResult;
  get(...params: SqliteValue[]): unknown;
  all(...params: SqliteValue[]): unknown[];
  iterate(...params: SqliteValue[]): IterableIterator<unknown>;
  raw(on: boolean): BetterStatement;
}

interface BetterDatabase {
  readonly inTransaction: boolean;
  prepare(sql: string): BetterStatement;
  exec(sql: string): unknown;
  close(): unknown;
}

type Driver = new (filename: string | Buffer, options: { readonly: boolean; fileMustExist: boolean }) => BetterDatabase;

/** Up to this size a closed file is read from a copy in memory, since the driver takes no `immutable` URI. */
const LARGEST_IN_MEMORY = 256 * 2 ** 20;

/** The file's bytes with the header's WAL mark taken out, since a database in memory has no -wal. */
export function inMemory(filename: string): Buffer | undefined {
  if (statSync(filename).size > LARGEST_IN_MEMORY) return undefined;
  return readFileSync(filename).fill(1, 18, 20);
}

/** Where the driver is, for a thread that resolves names from another place. */
export function betterSqlite3Path(): string {
  return createRequire(import.meta.url).resolve('better-sqlite3');
}

let loaded: Driver | undefined;

/** The driver, loaded at the first opening. */
export function betterSqlite3Driver(): Driver {
  loaded ??= load();
  return loaded;
}

export function betterSqlite3Version(): string {
  const { version } = createRequire(import.meta.url)('better-sqlite3/package.json') as { version: string };
  return version;
}

function load(): Driver {
  if (!isAtLeast(process.versions.node, OLDEST_NODE)) {
    throw new UnsupportedRuntimeError(
      'NODE_TOO_OLD',
      `Node ${process.versions.node} cannot load better-sqlite3 13. Nothing was opened.`,
      {
        hint: `Run Node ${OLDEST_NODE} or newer, or Bun.`,
      },
    );
  }
  try {
    return createRequire(import.meta.url)('better-sqlite3') as Driver;
  } catch (cause) {
    throw new UnsupportedRuntimeError(
      'DRIVER_MISSING',
      'better-sqlite3 could not be loaded, and Node needs it. Nothing was opened.',
      {
        hint: 'Install it beside @dorkos/db: npm install better-sqlite3@13',
        cause,
      },
    );
  }
}
