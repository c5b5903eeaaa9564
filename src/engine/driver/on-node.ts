import { UnsupportedRuntimeError } from '../errors.ts';
import type { Adapter, ChooseDriver } from './adapter.ts';
import { betterSqlite3 } from './better-sqlite3.ts';
import { isInstalled } from './load-better-sqlite3.ts';
import { isNodeSqliteSound } from './load-node-sqlite.ts';
import { nodeSqlite } from './node-sqlite.ts';
import { firstLibrary } from './process-libraries.ts';
import { usedDriver } from './register.ts';

/** Selects the driver on Node if the caller does not: `better-sqlite3` or `node:sqlite`. */
const VARIABLE = 'DORK_DB_DRIVER';

const ADAPTERS: Readonly<Record<string, Adapter>> = { 'better-sqlite3': betterSqlite3, 'node:sqlite': nodeSqlite };

let chosen: Adapter | undefined;

/**
 * Returns the driver on Node: the one of the option or the variable; else the one that this process uses already; else
 * better-sqlite3 if it is installed, because it is faster with many rows; else node:sqlite.
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
    `better-sqlite3 is not installed, and Node ${process.versions.node} has no usable SQLite of its own. Nothing was opened.`,
    {
      hint: 'Run Node 24.16 or newer (of Node 26: 26.1), which needs no driver, or install one: npm install better-sqlite3@13',
    },
  );
}

function unknown(name: string, isVariable: boolean): never {
  throw new UnsupportedRuntimeError(
    'DRIVER_UNKNOWN',
    `${isVariable ? `${VARIABLE} is` : 'options.driver is'} ${JSON.stringify(name)}, which is not a driver on Node. Nothing was opened.`,
    { hint: `Use one of: ${Object.keys(ADAPTERS).join(', ')}; by default the best available one is used.` },
  );
}

function onDeno(): UnsupportedRuntimeError {
  return new UnsupportedRuntimeError('DENO', 'Deno cannot run @dorkos/db. Nothing was opened.', {
    hint: 'Run Bun 1.4 or newer, or Node 24.16 or newer.',
  });
}
