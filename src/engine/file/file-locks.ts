import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * The use of a database file by a process: it has it `open`, is inside a `read` or a `write` transaction, moves pages
 * of the -wal into the file (`checkpoint`), rebuilds the -shm (`recover`), or excludes all others (`exclusive`).
 */
export type LockKind = 'open' | 'read' | 'write' | 'checkpoint' | 'recover' | 'exclusive';

/** A process that has a database file open. */
export interface LockHolder {
  readonly pid: number;
  /** The program and its first argument without folders, e.g. `bun server.ts`; '' if the system hides it. */
  readonly command: string;
  /** True for the current process. */
  readonly isSelf: boolean;
  readonly locks: readonly LockKind[];
}

/** The lock bytes of a -shm. https://sqlite.org/walformat.html#wal_locks */
const WRITE = 120;
const CHECKPOINT = 121;
const RECOVER = 122;
const FIRST_READ = 123;
const LAST_READ = 127;

/** The 510 bytes of a database file that readers share. https://sqlite.org/src/doc/trunk/src/os.h */
const SHARED = 0x40000000 + 2;

/** Matches e.g. `1: POSIX  ADVISORY  READ 15871 fe:00:2171175 128 128`; a line with `->` is a waiting process. */
const LINE = /^\d+: +POSIX +\w+ +(READ|WRITE) +(\d+) +([0-9a-f]+):([0-9a-f]+):(\d+) (\d+) (\d+|EOF)/gm;

interface FileKey {
  readonly path: string;
  readonly device: string;
  readonly inode: string;
}

/**
 * Returns the processes that have a database file open, by SQLite's locks on it and on its -shm; undefined if the
 * system does not report them (Linux does). Processes of another container or machine are not visible. Neither file is
 * opened, because closing it again would release the locks of this process.
 */
export function lockHolders(filename: string): LockHolder[] | undefined {
  let table: string;
  try {
    table = readFileSync('/proc/locks', 'latin1');
  } catch {
    return undefined;
  }
  const file = keyOf(filename);
  const shm = keyOf(`${filename}-shm`);
  const kinds = new Map<number, Set<LockKind>>();
  for (const [, type, pid, major, minor, inode, first, last] of table.matchAll(LINE)) {
    const at = inode === file?.inode ? file : inode === shm?.inode ? shm : undefined;
    if (!at) continue;
    const device = `${Number.parseInt(major ?? '', 16)}:${Number.parseInt(minor ?? '', 16)}`;
    if (device !== at.device && !hasOpen(Number(pid), at.path)) continue;
    const range = [Number(first), last === 'EOF' ? Number.MAX_SAFE_INTEGER : Number(last)] as const;
    const found = at === file ? kindsOnFile(type === 'WRITE', ...range) : kindsOnShm(type === 'WRITE', ...range);
    const known = kinds.get(Number(pid)) ?? new Set<LockKind>();
    for (const kind of found) known.add(kind);
    kinds.set(Number(pid), known);
  }
  return [...kinds].map(([pid, locks]) => ({
    pid,
    command: commandOf(pid),
    isSelf: pid === process.pid,
    locks: [...locks],
  }));
}

/**
 * Returns whether this process has a lock on the database file itself, like every connection in WAL mode; undefined if
 * the system does not report it. Closing any descriptor of a file releases the locks of the process on it.
 */
export function holdsLock(filename: string): boolean | undefined {
  const file = keyOf(filename);
  let table: string;
  try {
    table = readFileSync('/proc/locks', 'latin1');
  } catch {
    return undefined;
  }
  return [...table.matchAll(LINE)].some(([, , pid, , , inode]) => Number(pid) === process.pid && inode === file?.inode);
}

/** Locks that keep others from writing or from opening. */
const HOLDING: readonly LockKind[] = ['write', 'exclusive', 'checkpoint', 'recover'];

/**
 * Returns a sentence that names the other processes that hold a lock on a file, or else those that have it open;
 * undefined if none is known.
 *
 * @param message One that may name some of them already.
 */
export function holdersInWords(filename: string, message: string): string | undefined {
  const others = (lockHolders(filename) ?? []).filter(
    (holder) => !holder.isSelf && !message.includes(describeHolder(holder)),
  );
  const holding = others.filter(({ locks }) => locks.some((lock) => HOLDING.includes(lock)));
  const named = (holders: readonly LockHolder[]) => holders.map(describeHolder).join(', ');
  if (holding.length > 0) return `The lock is held by ${named(holding)}.`;
  return others.length > 0 ? `It is open in ${named(others)}.` : undefined;
}

/** Describes a process for messages, e.g. `1234 (bun server.ts)`. */
export function describeHolder({ pid, command }: LockHolder): string {
  return command ? `${pid} (${command})` : String(pid);
}

function keyOf(path: string): FileKey | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    // https://man7.org/linux/man-pages/man3/makedev.3.html
    const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
    const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
    return { path: realpathSync(path), device: `${major}:${minor}`, inode: String(ino) };
  } catch {
    return undefined;
  }
}

/** Checks the open files, for file systems whose device numbers differ from the lock table (overlayfs, Btrfs). */
function hasOpen(pid: number, path: string): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((fd) => readlinkSync(`${folder}/${fd}`) === path);
  } catch {
    return false;
  }
}

function kindsOnFile(isWrite: boolean, from: number, to: number): LockKind[] {
  return isWrite && from <= SHARED && to >= SHARED ? ['open', 'exclusive'] : ['open'];
}

function kindsOnShm(isWrite: boolean, from: number, to: number): LockKind[] {
  const covers = (first: number, last = first) => from <= last && to >= first;
  const kinds: LockKind[] = ['open'];
  if (covers(WRITE)) kinds.push('write');
  if (covers(CHECKPOINT)) kinds.push('checkpoint');
  if (covers(RECOVER)) kinds.push('recover');
  // A checkpoint write-locks the readers' bytes.
  if (covers(FIRST_READ, LAST_READ)) kinds.push(isWrite ? 'checkpoint' : 'read');
  return kinds;
}

function commandOf(pid: number): string {
  try {
    const [program = '', argument = ''] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const shown = argument.startsWith('-') ? '' : basename(argument);
    return `${basename(program)} ${shown}`.trim();
  } catch {
    return '';
  }
}
