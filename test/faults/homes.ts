import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { createDb } from '#entry';
import { acknowledgedIn, writeHome } from './oracle.ts';
import type { Bench } from './scenario.ts';

/** Who has written into each of these homes. */
export const WRITERS = ['ada', 'bob'];

/** The database of a home. */
export const fileIn = (home: string) => join(home, 'dork.db');

/** A closed file with acknowledged transactions. */
export function closedHome(home: string, transactions = 40): void {
  writeHome(fileIn(home), home, WRITERS, transactions);
}

/** A file with the -wal of a process that was killed while it wrote, with so many transactions in it at least. */
export async function crashedHome(home: string, { start }: Bench, transactions = 40, unsaved = 60): Promise<void> {
  closedHome(home, transactions);
  await using job = start('write', { file: fileIn(home), logs: home, writer: 'cyd' });
  await job.next();
  while ((acknowledgedIn(home).get('cyd') ?? 0) < unsaved) await new Promise((resolve) => setTimeout(resolve, 5));
  await job.kill();
  assert.ok(statSync(`${fileIn(home)}-wal`).size > 0);
}

/** Some megabytes more, so that copying them takes a while. */
export function fatten(home: string, megabytes = 3): void {
  using db = createDb(fileIn(home));
  const insert = db.$client.prepare(
    "INSERT INTO agent_denials (id, path, reason, denier, created_at) VALUES (?, ?, ?, 'fat', '2026-01-01T00:00:00.000Z')",
  );
  db.transaction(() => {
    for (let i = 0; i < megabytes * 1000; i++) insert.run(`fat-${i}`, `/fat/${i}`, 'x'.repeat(800));
  });
}
