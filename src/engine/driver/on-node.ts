import { UnsupportedRuntimeError } from '../errors.ts';
import type { Adapter, ChooseDriver } from './adapter.ts';
import { betterSqlite3 } from './better-sqlite3.ts';
import { isInstalled } from './load-better-sqlite3.ts';
import { isNodeSqliteSound } from './load-node-sqlite.ts';
import { nodeSqlite } from './node-sqlite.ts';
import { firstLibrary } from './process-libraries.ts';
import { usedDriver } from './register.ts';

/** Decides which driver Node uses where the caller does not: `better-sqlite3` or `node:sqlite`. */
const VARIABLE = 'DORK_DB_DRIVER';

const ADAPTERS: Readonly<Record<string, Adapter>> = { 'better-sqlite3': betterSqlite3, 'node:sqlite': nodeSqlite };

let chosen: Adapter | undefined;

/**
 * The driver on Node: the one that is asked for, by option or by variable; else the one that this process uses already;
 * else better-sqlite3 if it is installed, which is faster with long lists; else Node's own.
 *
 * @throws UnsupportedRuntimeError if there is none.
 */
export const onNode: ChooseDriver = (name) => {
  if (process.versions.deno) throw onDeno();
  const asked = name ?? (process.env[VARIABLE] || undefined);
  if (asked !== undefined) return ADAPTERS[asked] ?? unknown(asked, name === undefined);
  chosen ??= ADAPTERS[usedDriver() ?? firstLibrary()?.name ?? ''] ?? available();
  return chosen;
};

function available(): Adapter {
  if (isInstalled()) return betterSqlite3;
  if (isNodeSqliteSound()) return nodeSqlite;
  throw new UnsupportedRuntimeError(
    'DRIVER_MISSING',
    `better-sqlite3 is not installed, and Node ${process.versions.node} has no SQLite of its own that can be used. Nothing was opened.`,
    {
      hint: 'Run Node 24.16 or newer (of Node 26: 26.1), which needs nothing else, or install it: npm install better-sqlite3@13',
    },
  );
}

function unknown(name: string, isVariable: boolean): never {
  throw new UnsupportedRuntimeError(
    'DRIVER_UNKNOWN',
    `${isVariable ? `${VARIABLE} is` : 'options.driver is'} ${JSON.stringify(name)}, which is no driver on Node. Nothing was opened.`,
    { hint: `Give one of: ${Object.keys(ADAPTERS).join(', ')}; without it, the best that is there is taken.` },
  );
}

function onDeno(): UnsupportedRuntimeError {
  return new UnsupportedRuntimeError('DENO', 'Deno cannot run @dorkos/db. Nothing was opened.', {
    hint: 'Run Bun 1.4 or newer, or Node 24.16 or newer.',
  });
}
