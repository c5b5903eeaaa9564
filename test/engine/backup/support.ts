import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createDb, type Db, type DorkDbError } from '#entry';

/** True where the rounds that take minutes are asked for. */
export const IS_SOAK = process.env.DORK_SOAK === '1';

/** What each test flushes to the disk takes seconds where others keep it busy. */
export const SLOW_DISK_MS = 60_000;

export const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

const INSTANT = '2026-11-22T09:30:00.000Z';

/** Adds denials with these ids. */
export function deny(db: Db, ...ids: string[]): void {
  const insert = db.$client.prepare('INSERT INTO agent_denials (id, path, created_at) VALUES (?, ?, ?)');
  db.transaction(() => {
    for (const id of ids) insert.run(id, `/${id}`, INSTANT);
  });
}

export function idsOf(db: Db): unknown[] {
  return db.$client.prepare('SELECT id FROM agent_denials ORDER BY id').values().flat();
}

/** The ids in a file, which is then in WAL mode. A read-only connection would leave a -wal and a -shm. */
export function idsIn(path: string): unknown[] {
  using db = createDb(path, { migrations: 'skip' });
  return idsOf(db);
}

/** A new file with these ids, closed. */
export function fileWith(path: string, ...ids: string[]): string {
  using db = createDb(path);
  deny(db, ...ids);
  return path;
}

/** Fills a file with some megabytes, so that copying it takes a while. */
export function fatten(db: Db, megabytes: number): void {
  const insert = db.$client.prepare(
    "INSERT INTO relay_index (id, subject, endpoint_hash, status, payload, created_at) VALUES (?, 's', 'h', 'delivered', ?, ?)",
  );
  db.transaction(() => {
    for (let i = 0; i < megabytes * 1000; i++) insert.run(`fat-${i}`, `${i}`.padEnd(800, 'x'), INSTANT);
  });
}

/** Every file below a folder with its hash and mode. */
export function contents(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .sort()
      .map((name) => {
        const path = join(folder, name);
        if (!statSync(path).isFile()) return [name, `folder ${mode(path)}`];
        return [name, `${createHash('sha256').update(readFileSync(path)).digest('hex')} ${mode(path)}`];
      }),
  );
}

/** It rejects with an error of this package, that class and that code, which says what to do. */
export async function rejects(
  promise: Promise<unknown>,
  type: typeof DorkDbError,
  code: string | RegExp,
): Promise<DorkDbError> {
  let thrown: unknown;
  try {
    await promise;
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown instanceof type, `${type.name} expected, got ${thrown}`);
  assert.match(thrown.code, typeof code === 'string' ? new RegExp(`^${code}$`) : code, thrown.message);
  assert.ok(thrown.hint.length > 10, thrown.message);
  return thrown;
}
