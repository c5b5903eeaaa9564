import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createDb, type Db, listBackups, verifyBackup } from '#entry';
import { fileIn } from '../homes.ts';
import { acknowledgedIn, assertAcknowledged, assertSoundOften } from '../oracle.ts';
import type { Bench } from '../scenario.ts';
import type { Told } from './told.ts';

/** Something in whose middle the power fails. */
export interface Operation {
  readonly name: string;
  readonly promise: string;
  /** Makes the folder as it is before; all of it is on the disk. */
  prepare(home: string, bench: Bench): void | Promise<void>;
  readonly job: string;
  /** @param logs A folder elsewhere, for what writers log. */
  args(home: string, logs: string): object;
  /**
   * The next process comes to a home after the loss of power: asserts that what must be there is there, and goes on.
   *
   * @returns A word for what it met.
   */
  judge(home: string, told: Told): string | Promise<string>;
}

/** How many transactions of a writer are in a database. */
export function transactionsIn(db: Db, writer: string): number {
  const rows = db.$client.prepare<{ n: number }>('SELECT count(*) AS n FROM relay_index WHERE subject = ?');
  return rows.get(writer)?.n ?? 0;
}

/** Every transaction that must be there is there, and whole; nothing is there that nobody wrote. */
export function assertTransactions(db: Db, home: string, { durable, acknowledged }: Told): void {
  const there = new Map(acknowledgedIn(home));
  for (const [writer, least] of durable) assertAtLeast(writer, transactionsIn(db, writer), least);
  for (const writer of new Set(['eve', ...acknowledged.keys()])) {
    const n = transactionsIn(db, writer);
    assert.ok(n <= (acknowledged.get(writer) ?? 0) + 1, `${writer}: nobody wrote ${n} transactions`);
    there.set(writer, n);
  }
  // Those who wrote before have exactly theirs; one who was killed may have one more.
  for (const [writer, least] of acknowledgedIn(home)) {
    const n = transactionsIn(db, writer);
    assertAtLeast(writer, n, least);
    there.set(writer, n);
  }
  assertAcknowledged(db, there);
}

export function assertAtLeast(writer: string, n: number, least: number): void {
  assert.ok(n >= least, `${writer}: ${least} transactions must be there, ${n} are`);
}

/** The database opens, is sound, and has what it must have. A second time, too. */
export function assertKeptAfterPower(home: string, told: Told): void {
  using db = createDb(fileIn(home));
  assertSoundOften(db);
  assertTransactions(db, home, told);
}

/** What counts as a backup is one, and holds what was there when it was made. */
export async function assertBackupsWhole(home: string, least: ReadonlyMap<string, number>): Promise<string[]> {
  const folder = join(home, 'backups');
  if (!existsSync(folder)) return [];
  const listed = listBackups(folder).map(({ path }) => path);
  for (const path of listed) await assertBackupWhole(path, least);
  return listed;
}

/** A file is a whole backup with at least so many transactions. */
export async function assertBackupWhole(path: string, least: ReadonlyMap<string, number>): Promise<void> {
  const { state } = await verifyBackup(path, { deep: true });
  assert.equal(state, 'current');
  using db = createDb(path, { readonly: true });
  for (const [writer, n] of least) assertAtLeast(`${writer} in ${path}`, transactionsIn(db, writer), n);
}

/** Files with temporary names. */
export function leftIn(home: string): string[] {
  return readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /partial|marker|compact|\.tmp/.test(name),
  );
}
