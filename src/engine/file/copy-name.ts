import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { stampOf } from '../time.ts';

/** The purpose of a copy, which determines its retention. */
export type CopyKind = 'pre-migration' | 'daily' | 'backup' | 'recovered';

/** The parts of a copy's name. */
export interface CopyName {
  readonly kind: CopyKind;
  /** The database's name, see {@link databaseLabel}. */
  readonly database: string;
  /** The UTC day, e.g. `2026-11-22`. */
  readonly day: string;
  /** The instant; absent for a daily backup, which has only a day. */
  readonly at?: string;
  /** The newest migration of a pre-migration copy, or the label of a backup. */
  readonly tag?: string;
}

/** Returns the folder next to a database file for its snapshots and backups. */
export function backupFolder(filename: string): string {
  return join(dirname(filename), 'backups');
}

/** Each kind has exactly its own parts: `notes-daily-20261122-mine.db` was named by a user. */
const NAME =
  /^(?<database>.+?)-(?:(?<daily>daily)-(?<today>\d{8})|(?<kind>recovered|backup|pre-migration)-(?<day>\d{8})T(?<time>\d{9})Z(?:-(?<tag>.+))?)\.db$/;

/** Matches a part of a database's name that looks like the kind and the time of a copy. */
const LIKE_A_COPY = /-(?=(?:pre-migration|daily|backup|recovered)-\d)/g;

/** Matches an end of a database's name that looks like the hash of a path. */
const LIKE_A_HASH = /~[0-9a-f]{8}$/;

/**
 * Returns the database's name for the names of its copies: `notes` for `notes.db`, in the folder `backups` next to it.
 * In another folder, and for a file with another extension, a hash follows (`notes~1f0c88aa`), so that the copies of
 * two databases never have the same name. It is a hash of the path or, next to the database, of the file's name, so
 * that the database can be moved together with its copies.
 *
 * @param filename The real path of the database.
 */
export function databaseLabel(folder: string, filename: string): string {
  const name = basename(filename);
  const stem = name.endsWith('.db') && name !== '.db' ? name.slice(0, -3) : name;
  const isNextToIt = isSamePath(folder, backupFolder(filename));
  const isPlain = isNextToIt && stem !== name && stem.search(LIKE_A_COPY) < 0 && !LIKE_A_HASH.test(stem);
  if (isPlain) return stem;
  const hash = process
    .getBuiltinModule('node:crypto')
    .createHash('sha256')
    .update(isNextToIt ? name : filename);
  return `${stem.replaceAll(LIKE_A_COPY, '_')}~${hash.digest('hex').slice(0, 8)}`;
}

function isSamePath(a: string, b: string): boolean {
  if (a === b) return true;
  try {
    return realpathSync.native(a) === realpathSync.native(b);
  } catch {
    return false;
  }
}

/**
 * Returns the name of a copy, e.g. `notes-backup-20261122T093000000Z-before-the-upgrade.db`. The names of one kind sort
 * as text in the order of time.
 */
export function copyName(folder: string, filename: string, kind: CopyKind, at: Date, tag?: string): string {
  const stamp = stampOf(at);
  const time = kind === 'daily' ? stamp.slice(0, 8) : stamp;
  return `${databaseLabel(folder, filename)}-${kind}-${time}${tag ? `-${tag}` : ''}.db`;
}

/** Returns a migration's tag for the name of a copy. */
export function migrationTag(tag: string): string {
  return tag.replaceAll(/[^\w.-]+/g, '_');
}

/** Parses a name; returns undefined if it was not given by this package. */
export function parseCopyName(name: string): CopyName | undefined {
  const { database, daily, today, kind = daily, day = today, time, tag } = NAME.exec(name)?.groups ?? {};
  if (!database || !kind || !day || (kind === 'recovered' && tag) || (kind === 'pre-migration' && !tag))
    return undefined;
  const date = day.replace(/(....)(..)(..)/, '$1-$2-$3');
  const at = `${date}T${(time ?? '000000000').replace(/(..)(..)(..)(...)/, '$1:$2:$3.$4')}Z`;
  if (Number.isNaN(Date.parse(at)) || new Date(at).toISOString() !== at) return undefined;
  return { kind: kind as CopyKind, database, day: date, ...(time && { at }), ...(tag && { tag }) };
}

/** Returns true if a copy in a folder is of this database. */
export function isOf({ database }: CopyName, folder: string, filename: string): boolean {
  return database === databaseLabel(folder, filename);
}

/** How far a clock may be ahead before its dates are considered wrong. */
const SANE_MS = 60 * 60 * 1000;

/** Returns true for a copy dated in the future, i.e. the clock was or is wrong. */
export function isAhead({ at, day }: CopyName, now = Date.now()): boolean {
  return Date.parse(at ?? day) > now + SANE_MS;
}

/** Compares names by time, newest first. Those dated in the future are last, because their real time is unknown. */
export function newestFirst(a: CopyName, b: CopyName): number {
  const ahead = Number(isAhead(a)) - Number(isAhead(b));
  return ahead || Date.parse(b.at ?? b.day) - Date.parse(a.at ?? a.day);
}

/**
 * Returns true if retention may delete a copy: a daily one, or a pre-migration one whose tag is exactly that of a known
 * migration. `…-0005_x-keep.db` was named by a user.
 */
export function isDisposable({ kind, tag }: CopyName, migrations: readonly { readonly tag: string }[]): boolean {
  if (kind === 'daily') return true;
  return kind === 'pre-migration' && (tag === UNVERSIONED || migrations.some((one) => migrationTag(one.tag) === tag));
}

/** The tag of a copy from before the first migration. */
export const UNVERSIONED = 'unversioned';
