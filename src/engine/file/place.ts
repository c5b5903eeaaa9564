import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DorkDbError } from '../errors.ts';
import { SIDECARS } from './path.ts';

/**
 * Refuses a file that cannot be replaced, before anything is changed.
 *
 * @throws DorkDbError `MOUNT_POINT` for a file that is a mount itself, e.g. with `docker run -v FILE:FILE`. `NOT_A_FILE`
 * for a folder in the place of its -wal, -shm or -journal.
 */
export function assertReplaceable(filename: string): void {
  const folder = SIDECARS.map((suffix) => filename + suffix).find((path) =>
    statSync(path, { throwIfNoEntry: false })?.isDirectory(),
  );
  if (folder !== undefined) {
    throw new DorkDbError(
      'NOT_A_FILE',
      `${folder} is a folder, so ${filename} cannot be replaced. Nothing was changed.`,
      { hint: `Move ${folder} away, then try again.` },
    );
  }
  if (!isMountPoint(filename)) return;
  throw new DorkDbError(
    'MOUNT_POINT',
    `${filename} is a mount itself, so it cannot be replaced. Nothing was changed.`,
    { hint: 'Mount its folder instead of the file, or run this on the machine that has the file.' },
  );
}

function isMountPoint(filename: string): boolean {
  let table: string;
  try {
    table = readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    // Without a table of mounts, the device number must be compared. With one it must not: on overlayfs it is that of
    // the file's layer.
    const [file, folder] = [filename, dirname(filename)].map((path) => statSync(path, { throwIfNoEntry: false }));
    return file !== undefined && file.dev !== folder?.dev;
  }
  // https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
  return table.split('\n').some((line) => unescaped(line.split(' ')[4] ?? '') === filename);
}

/** Decodes the escapes of the table, e.g. `\040` for a space. */
function unescaped(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
