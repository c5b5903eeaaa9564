import type { DatabaseSync } from 'node:sqlite';
import { UnsupportedRuntimeError } from '../errors.ts';
import { hasWalResetBug } from '../version.ts';
import { builtinSqlite, type NodeSqlite } from './builtin-sqlite.ts';
import { useLibrary } from './process-libraries.ts';
import { markUsed } from './register.ts';

let sound: NodeSqlite | undefined;

/**
 * Returns Node's own SQLite.
 *
 * @throws UnsupportedRuntimeError if this Node has none, or one that loses data.
 */
export function loadNodeSqlite(): NodeSqlite {
  if (!sound) {
    const driver = builtin();
    const flaw = driver ? flawOf(driver) : 'it has none';
    if (!driver || flaw !== undefined) {
      throw new UnsupportedRuntimeError(
        'DRIVER_UNSOUND',
        `node:sqlite of Node ${process.versions.node} cannot be used: ${flaw}. Nothing was opened.`,
        {
          hint: 'Run Node 24.16 or newer (of Node 26: 26.1), or install better-sqlite3: npm install better-sqlite3@13',
        },
      );
    }
    useLibrary({ name: 'node:sqlite', version: process.versions.node, path: 'node:sqlite' });
    sound = driver;
  }
  markUsed('node:sqlite');
  return sound;
}

let areNumbersPositional: boolean | undefined;

/** Returns true if this Node binds `?1` by position, like `?`; older versions bind it by name. */
export function takesNumbersByPosition(database: DatabaseSync): boolean {
  if (areNumbersPositional === undefined) {
    try {
      areNumbersPositional = database.prepare('SELECT ?1 AS value').get(1)?.value === 1;
    } catch {
      areNumbersPositional = false;
    }
  }
  return areNumbersPositional;
}

/** Returns true if this runtime has a node:sqlite that stores values unchanged. */
export function isNodeSqliteSound(): boolean {
  if (sound) return true;
  const driver = builtin();
  return driver !== undefined && flawOf(driver) === undefined;
}

/** A Node that is too old is not tried. */
function builtin(): NodeSqlite | undefined {
  return /^(\d|1\d|2[0-3])\./.test(process.versions.node) ? undefined : builtinSqlite();
}

/** Tries it, since what a version should have is not what every build of it has. */
function flawOf({ DatabaseSync }: NodeSqlite): string | undefined {
  const database = new DatabaseSync(':memory:');
  try {
    const row = database.prepare("SELECT 'a' || char(0) || 'b' AS text, sqlite_version() AS version").get();
    if (row?.text !== 'a\0b') return 'it cuts texts at a NUL';
    if (hasWalResetBug(String(row.version))) return `its SQLite ${row.version} has the WAL-reset bug`;
    return undefined;
  } finally {
    database.close();
  }
}
