import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { UnsupportedRuntimeError } from '../errors.ts';
import { messageOf } from '../realm.ts';
import { isAtLeast } from '../version.ts';
import type { RunResult, SqliteValue } from './adapter.ts';
import type { Column } from './integers.ts';
import { firstLibrary, useLibrary } from './process-libraries.ts';
import { type Library, markUsed, sharedLibrary } from './register.ts';

/**
 * Older Nodes have no database in memory that their threads share ({@link processMemory}); below 22.14, better-sqlite3 13 ends
 * the process with SIGSEGV.
 */
const OLDEST_NODE = '22.15.0';

/** The major version that this package is made for. */
const MAJOR = '13';

/** The part of the driver that this package uses. */
export interface BetterStatement {
  readonly reader: boolean;
  readonly readonly: boolean;
  run(...params: SqliteValue[]): RunResult;
  get(...params: SqliteValue[]): unknown;
  all(...params: SqliteValue[]): unknown[];
  iterate(...params: SqliteValue[]): IterableIterator<unknown>;
  raw(on: boolean): BetterStatement;
  safeIntegers(on: boolean): BetterStatement;
  columns(): Column[];
}

export interface BetterDatabase {
  readonly inTransaction: boolean;
  prepare(sql: string): BetterStatement;
  exec(sql: string): unknown;
  close(): unknown;
}

type Driver = new (
  filename: string | Buffer,
  options?: { readonly: boolean; fileMustExist: boolean },
) => BetterDatabase;

/** Up to this size a closed file is read from a copy in memory, since the driver takes no `immutable` URI. */
export const LARGEST_IN_MEMORY = 256 * 2 ** 20;

/** The file's bytes with the header's WAL mark taken out, since a database in memory has no -wal. */
export function inMemory(filename: string): Buffer | undefined {
  if (statSync(filename).size > LARGEST_IN_MEMORY) return undefined;
  return readFileSync(filename).fill(1, 18, 20);
}

let loaded: Library | undefined;

/** The driver that this process uses, loaded at the first opening. */
function library(): Library {
  loaded ??= sharedLibrary('better-sqlite3', MAJOR, load);
  markUsed('better-sqlite3');
  return loaded;
}

export function betterSqlite3Driver(): Driver {
  return library().Database as Driver;
}

/** The file of the driver, for a thread that resolves names from another place. */
export function betterSqlite3Path(): string {
  return library().path;
}

export function betterSqlite3Version(): string {
  return library().version;
}

/** Not called with an argument at once, about which webpack would warn. */
const requireFrom = (file: string): NodeJS.Require => createRequire(file);

/** A host's CommonJS bundle has no `import.meta.url`; one that is evaluated as text has no file either. */
function requireHere(): NodeJS.Require | undefined {
  const file = import.meta.url ?? (typeof __filename === 'undefined' ? undefined : __filename);
  return file === undefined ? undefined : requireFrom(file);
}

/** Returns whether the driver can be found; it may be broken all the same. */
export function isInstalled(): boolean {
  try {
    return requireHere()?.resolve('better-sqlite3/package.json') !== undefined;
  } catch {
    return false;
  }
}

function load(): Library {
  if (!isAtLeast(process.versions.node, OLDEST_NODE)) {
    throw new UnsupportedRuntimeError(
      'NODE_TOO_OLD',
      `Node ${process.versions.node} is too old for @dorkos/db. Nothing was opened.`,
      {
        hint: `Run Node ${OLDEST_NODE} or newer, or Bun.`,
      },
    );
  }
  const found = find();
  try {
    // The driver loads its native binary with the first database.
    new (found.Database as Driver)(':memory:').close();
  } catch (cause) {
    throw new UnsupportedRuntimeError(
      'DRIVER_BROKEN',
      `The native binary of better-sqlite3 could not be loaded on Node ${process.versions.node} (${process.platform}-${process.arch}): ${messageOf(cause).split('\n')[0]} Nothing was opened.`,
      {
        hint: 'Install it again for this system: npm install better-sqlite3@13. Or use the SQLite of Node 24.16 or newer: DORK_DB_DRIVER=node:sqlite.',
        cause,
      },
    );
  }
  useLibrary(found);
  return found;
}

/** The one that another thread uses, else this program's own. */
function find(): Library {
  const first = firstLibrary();
  try {
    if (first?.name === 'better-sqlite3' && first.version.split('.')[0] === MAJOR) {
      return { ...first, Database: requireFrom(first.path)(first.path) };
    }
    const require = requireHere();
    if (!require) throw new Error('This program does not know where it is.');
    const { version } = require('better-sqlite3/package.json') as { version: string };
    const path = require.resolve('better-sqlite3');
    return { name: 'better-sqlite3', version, path, Database: require(path) };
  } catch (cause) {
    throw new UnsupportedRuntimeError('DRIVER_MISSING', 'better-sqlite3 could not be loaded. Nothing was opened.', {
      hint: 'Install it next to @dorkos/db: npm install better-sqlite3@13',
      cause,
    });
  }
}
