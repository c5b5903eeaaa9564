import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { describeHolder, lockHolders } from '../file/file-locks.ts';

/**
 * Returns the processes that have a database file open, e.g. `1234 (bun server.ts)` or this process; undefined if the
 * system does not report them. A process that waits for a lock, or has not read yet, holds no lock, so the open files
 * are checked too. Those of other users are hidden.
 */
export function processesWith(filename: string): string[] | undefined {
  const holders = lockHolders(filename);
  const pids = pidsWith(filename);
  if (!holders || !pids) return undefined;
  const names = new Map(pids.map((pid) => [pid, nameOf(pid)]));
  for (const holder of holders) names.set(holder.pid, holder.isSelf ? THIS_PROCESS : describeHolder(holder));
  return [...names.values()];
}

const THIS_PROCESS = 'this process';

/** Returns the processes with a descriptor of the file at the path. The file itself is not opened. */
export function pidsWith(filename: string): number[] | undefined {
  const file = statAt(filename);
  let pids: string[];
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return undefined;
  }
  if (!file || pids.length === 0) return pids.length === 0 ? undefined : [];
  const name = basename(filename);
  const isOpenAt = (link: string) => {
    try {
      if (!readlinkSync(link).includes(name)) return false;
    } catch {
      return false;
    }
    const open = statAt(link);
    return open?.dev === file.dev && open.ino === file.ino;
  };
  return pids.filter((pid) => linksOf(pid).some(isOpenAt)).map(Number);
}

function linksOf(pid: string): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).map((fd) => `${folder}/${fd}`);
  } catch {
    // The process ended, or belongs to another user.
    return [];
  }
}

function statAt(path: string) {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function nameOf(pid: number): string {
  if (pid === process.pid) return THIS_PROCESS;
  try {
    return describeHolder({
      pid,
      command: readFileSync(`/proc/${pid}/comm`, 'utf8').trim(),
      isSelf: false,
      locks: ['open'],
    });
  } catch {
    return String(pid);
  }
}
