import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DorkDbError } from '../errors.ts';

/**
 * Refuses a file whose path cannot be given to another file, before anything is touched.
 *
 * @throws DorkDbError `MOUNT_POINT` for a file that is mounted by itself, as one is with `docker run -v FILE:FILE`.
 */
export function assertReplaceable(filename: string): void {
  if (!isMountPoint(filename)) return;
  throw new DorkDbError(
    'MOUNT_POINT',
    `${filename} is mounted by itself, so that no other file can take its place. Nothing was changed.`,
    { hint: 'Mount its folder instead of the file, or run this where the file really is.' },
  );
}

function isMountPoint(filename: string): boolean {
  let table: string;
  try {
    table = readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    // Without a table of mounts the device says it; with one it does not: on overlayfs a file has its layer's.
    const [file, folder] = [filename, dirname(filename)].map((path) => statSync(path, { throwIfNoEntry: false }));
    return file !== undefined && file.dev !== folder?.dev;
  }
  // https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
  return table.split('\n').some((line) => unescaped(line.split(' ')[4] ?? '') === filename);
}

/** A blank is `\040` there. */
function unescaped(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
