import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { hasCode, stemOf } from './file.ts';

/** What a copy was made for, and what retention goes by. */
export type CopyKind = 'pre-migration' | 'daily' | 'backup' | 'recovered';

/** What the name of a copy tells. */
export interface CopyName {
  readonly kind: CopyKind;
  /** The database's own name without its extension: `dork` of `dork.db`. */
  readonly stem: string;
  /** The UTC day, as `2026-11-22`. */
  readonly day: string;
  /** The instant; absent in the name of a daily backup, which is one for its day. */
  readonly at?: string;
  /** The newest migration, in the name of a copy from before one; the label, in that of a backup. */
  readonly tag?: string;
}

const NAME =
  /^(?<stem>.+?)-(?<kind>pre-migration|daily|backup|recovered)-(?<day>\d{8})(?:T(?<time>\d{9})Z)?(?:-(?<tag>.+))?\.db$/;
const WRECKAGE = /^(?<name>.+)\.(?<pid>\d+)\.partial(?:-journal|-wal|-shm)?$/;

/** What no process writes to for a day is wreckage, also where another process has got the number of its maker. */
const LONGEST_WORK_MS = 24 * 60 * 60 * 1000;

/**
 * The name of a copy, as `dork-backup-20261122T093000000Z-before-the-upgrade.db`: among those of one kind the order of
 * the text is the order of time.
 */
export function copyName(filename: string, kind: CopyKind, at: Date, tag?: string): string {
  const stamp = at.toISOString().replaceAll(/[-:.]/g, '');
  return `${stemOf(filename)}-${kind}-${kind === 'daily' ? stamp.slice(0, 8) : stamp}${tag ? `-${tag}` : ''}.db`;
}

/** What a name tells; undefined for a name that is none of ours. */
export function parseCopyName(name: string): CopyName | undefined {
  const { stem, kind, day, time, tag } = NAME.exec(name)?.groups ?? {};
  if (!stem || !kind || !day || (kind === 'daily') !== (time === undefined)) return undefined;
  const date = day.replace(/(....)(..)(..)/, '$1-$2-$3');
  const at = `${date}T${(time ?? '000000000').replace(/(..)(..)(..)(...)/, '$1:$2:$3.$4')}Z`;
  if (Number.isNaN(Date.parse(at)) || new Date(at).toISOString() !== at) return undefined;
  return { kind: kind as CopyKind, stem, day: date, ...(time && { at }), ...(tag && { tag }) };
}

/** The name that a file in the making was to get, where its maker is dead; undefined for any other file. */
export function wreckageOf(path: string): string | undefined {
  const { name, pid } = WRECKAGE.exec(basename(path))?.groups ?? {};
  return name && isWreckage(path, Number(pid)) ? name : undefined;
}

/** Those of a folder's entries that are wreckage of a name that is meant, as paths. */
export function wreckageAmong(folder: string, names: readonly string[], isMeant: (name: string) => boolean): string[] {
  return names
    .map((name) => join(folder, name))
    .filter((path) => {
      const name = wreckageOf(path);
      return name !== undefined && isMeant(name);
    });
}

/**
 * True for a file or a folder whose maker is dead. One of this process' number from before it began is of an earlier
 * process: in a container each start has the same number.
 */
export function isWreckage(path: string, pid: number): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return false;
  const isMakerAlive = pid === process.pid ? stat.mtimeMs >= processStart() : isAlive(pid);
  return !isMakerAlive || Date.now() - stat.mtimeMs >= LONGEST_WORK_MS;
}

/**
 * When this process began, in Unix milliseconds, a second early, since a clock may be set. In a worker of Bun every clock
 * begins with the thread: what has this process' number may be of another of its threads.
 */
function processStart(): number {
  const { isMainThread } = process.getBuiltinModule('node:worker_threads');
  return isMainThread ? Date.now() - process.uptime() * 1000 - 1000 : Number.NEGATIVE_INFINITY;
}

/** True where a process of this machine has the number, whoever its user is. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: there is one, of another user.
    return hasCode(error, 'EPERM');
  }
}
