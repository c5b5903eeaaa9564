import { createRequire } from 'node:module';

export type BareValue = null | number | bigint | string | Uint8Array;

/** A statement of the driver itself; nothing of ours is around it. */
export interface BareStatement {
  run(...params: BareValue[]): { changes: number };
  get(...params: BareValue[]): unknown;
  all(...params: BareValue[]): unknown[];
}

/** The runtime's driver, as far as both have the same calls. */
export interface BareDatabase {
  prepare(sql: string): BareStatement;
  exec(sql: string): unknown;
  close(): unknown;
}

/** The pragmas of src/engine/connection/pragmas.ts, as somebody writes them by hand. */
export const PRAGMAS = `
  PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL;
  PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864;
  PRAGMA wal_autocheckpoint = 16384; PRAGMA trusted_schema = OFF; PRAGMA recursive_triggers = ON; PRAGMA mmap_size = 0;`;

type OpenBare = (path: string) => BareDatabase;

async function openerFor(): Promise<OpenBare> {
  if (process.versions.bun) {
    const { Database } = await import('bun:sqlite');
    return (path) => new Database(path, { readwrite: true, create: true });
  }
  if (process.env.DORK_DB_DRIVER === 'node:sqlite') {
    const { DatabaseSync } = await import('node:sqlite');
    return (path) => new DatabaseSync(path) as unknown as BareDatabase;
  }
  const Driver = createRequire(import.meta.url)('better-sqlite3') as new (path: string) => BareDatabase;
  return (path) => new Driver(path);
}

/** Opens a file with the bare driver of this runtime, without any pragma. */
export const openBare: OpenBare = await openerFor();

/** Opens a file with the bare driver and the pragmas that ours sets. */
export function openConfigured(path: string): BareDatabase {
  const database = openBare(path);
  database.exec(PRAGMAS);
  return database;
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
let last = 0;
let counter = 0;
let prefix = '';

/** A ULID as a hand-written script makes it: the time once a millisecond, then a counter. */
export function bareId(): string {
  const at = Date.now();
  if (at !== last) {
    last = at;
    counter = Math.floor(Math.random() * 2 ** 24);
    let time = '';
    for (let i = 0, rest = at; i < 10; i++, rest = Math.floor(rest / 32)) time = CROCKFORD[rest % 32] + time;
    prefix = time;
  }
  counter++;
  return prefix + counter.toString(32).toUpperCase().padStart(16, '0');
}
