import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { stampOf } from '../time.ts';

/** What a copy was made for, and what retention goes by. */
export type CopyKind = 'pre-migration' | 'daily' | 'backup' | 'recovered';

/** What the name of a copy says. */
export interface CopyName {
  readonly kind: CopyKind;
  /** The database's name in names of copies, as {@link databaseLabel} gives it. */
  readonly database: string;
  /** The UTC day, as `2026-11-22`. */
  readonly day: string;
  /** The instant; absent in the name of a daily backup, which is one for its day. */
  readonly at?: string;
  /** The newest migration, in the name of a copy from before one; the label, in that of a backup. */
  readonly tag?: string;
}

/** The folder next to a database file that its snapshots and backups go to. */
export function backupFolder(filename: string): string {
  return join(dirname(filename), 'backups');
}

/** Each kind has exactly its parts: `notes-daily-20261122-mine.db` is a name that a user gave. */
const NAME =
  /^(?<database>.+?)-(?:(?<daily>daily)-(?<today>\d{8})|(?<kind>recovered|backup|pre-migration)-(?<day>\d{8})T(?<time>\d{9})Z(?:-(?<tag>.+))?)\.db$/;

/** What would be taken for the kind and the time of a copy in the name of a database. */
const LIKE_A_COPY = /-(?=(?:pre-migration|daily|backup|recovered)-\d)/g;

/** What would be taken for the hash of a path in the name of a database. */
const LIKE_A_HASH = /~[0-9a-f]{8}$/;

/**
 * The database's name in the names of its copies: `notes` for `notes.db`, in the folder `backups` next to it. In another
 * folder, and for a file with another name, a hash follows (`notes~1f0c88aa`), so that the copies of two databases never
 * get one name: of the path, or next to the database, which may be moved together with its copies, of the file's name.
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
 * The name of a copy, as `notes-backup-20261122T093000000Z-before-the-upgrade.db`: among those of one kind the order of
 * the text is the order of time.
 */
export function copyName(folder: string, filename: string, kind: CopyKind, at: Date, tag?: string): string {
  const stamp = stampOf(at);
  const time = kind === 'daily' ? stamp.slice(0, 8) : stamp;
  return `${databaseLabel(folder, filename)}-${kind}-${time}${tag ? `-${tag}` : ''}.db`;
}

/** The form that the tag of a migration has in the name of a copy. */
export function migrationTag(tag: string): string {
  return tag.replaceAll(/[^\w.-]+/g, '_');
}

/** What a name says; undefined for a name that is none of ours. */
export function parseCopyName(name: string): CopyName | undefined {
  const { database, daily, today, kind = daily, day = today, time, tag } = NAME.exec(name)?.groups ?? {};
  if (!database || !kind || !day || (kind === 'recovered' && tag) || (kind === 'pre-migration' && !tag))
    return undefined;
  const date = day.replace(/(....)(..)(..)/, '$1-$2-$3');
  const at = `${date}T${(time ?? '000000000').replace(/(..)(..)(..)(...)/, '$1:$2:$3.$4')}Z`;
  if (Number.isNaN(Date.parse(at)) || new Date(at).toISOString() !== at) return undefined;
  return { kind: kind as CopyKind, database, day: date, ...(time && { at }), ...(tag && { tag }) };
}

/** True for the name of a copy in a folder that was made of this database. */
export function isOf({ database }: CopyName, folder: string, filename: string): boolean {
  return database === databaseLabel(folder, filename);
}

/** How far a clock may be ahead of ours before what it dated counts as wrong. */
const SANE_MS = 60 * 60 * 1000;

/** True for a copy that is dated in the future: the clock was wrong when it was made, or is wrong now. */
export function isAhead({ at, day }: CopyName, now = Date.now()): boolean {
  return Date.parse(at ?? day) > now + SANE_MS;
}

/** Orders names by their time, newest first; those dated in the future come last, since their time is not known. */
export function newestFirst(a: CopyName, b: CopyName): number {
  const ahead = Number(isAhead(a)) - Number(isAhead(b));
  return ahead || Date.parse(b.at ?? b.day) - Date.parse(a.at ?? a.day);
}

/**
 * True if retention may delete a copy: a daily one, or one from before a migration that its name gives in the exact form
 * that we write. `…-0005_x-keep.db` is a name that a user gave.
 */
export function isDisposable({ kind, tag }: CopyName, migrations: readonly { readonly tag: string }[]): boolean {
  if (kind === 'daily') return true;
  return kind === 'pre-migration' && (tag === UNVERSIONED || migrations.some((one) => migrationTag(one.tag) === tag));
}

/** The tag of a copy from before the first migration. */
export const UNVERSIONED = 'unversioned';
