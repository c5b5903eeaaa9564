import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { databaseBytes } from '../core/copy.ts';
import { type Check, findingsOf, onDisk, sized } from './check.ts';
import type { HealthFinding } from './report.ts';

const say = findingsOf('file-system');
const sayDisk = findingsOf('disk');

/** What a file system means for a database: `shared` with other machines, `temporary`, without `modes`, or fit. */
type Kind = 'fit' | 'shared' | 'perhaps-shared' | 'temporary' | 'modeless' | 'readonly';

/** `statfs.f_type` on Linux. https://man7.org/linux/man-pages/man2/statfs.2.html */
const TYPES: Record<number, readonly [name: string, kind: Kind]> = {
  61267: ['ext4', 'fit'],
  1481003842: ['xfs', 'fit'],
  2435016766: ['btrfs', 'fit'],
  801189825: ['zfs', 'fit'],
  3393526350: ['bcachefs', 'fit'],
  4076150800: ['f2fs', 'fit'],
  2035054128: ['overlayfs', 'temporary'],
  16914836: ['tmpfs', 'temporary'],
  2240043254: ['ramfs', 'temporary'],
  19780: ['vfat', 'modeless'],
  538032816: ['exfat', 'modeless'],
  1936094318: ['ntfs3', 'modeless'],
  26985: ['nfs', 'shared'],
  20859: ['smb', 'shared'],
  4283649346: ['cifs', 'shared'],
  4266872130: ['smb2', 'shared'],
  16914839: ['9p', 'shared'],
  1397113167: ['afs', 'shared'],
  1799439955: ['kafs', 'shared'],
  12805120: ['ceph', 'shared'],
  1937076805: ['coda', 'shared'],
  22092: ['ncp', 'shared'],
  198183888: ['lustre', 'shared'],
  18225520: ['gfs2', 'shared'],
  1952539503: ['ocfs2', 'shared'],
  1196443219: ['gpfs', 'shared'],
  2020557398: ['vboxsf', 'shared'],
  1397114950: ['wslfs', 'shared'],
  1702057286: ['fuse', 'perhaps-shared'],
  1936814952: ['squashfs', 'readonly'],
  38496: ['iso9660', 'readonly'],
};

/** Below this, SQLite may not find room for the -wal of one large transaction. */
const LEAST_FREE = 64 * 2 ** 20;

/** What the file lies on: WAL needs memory that all users of the file share, which no network has. */
export const checkFileSystem: Check = onDisk(({ connection }) => {
  const folder = dirname(connection.filename);
  const { type, bavail, bsize } = statfsSync(folder);
  const known = process.platform === 'linux' ? typeOf(type) : undefined;
  const freeBytes = bavail * bsize;
  return {
    findings: [
      ...(known ? [fitness(folder, ...known)] : []),
      roomFinding(folder, freeBytes, databaseBytes(connection)),
    ],
    figures: { fileSystem: { ...(known && { type: known[0] }), freeBytes } },
  };
});

function typeOf(type: number): readonly [name: string, kind: Kind] {
  // Some platforms give the 32 bits as a negative number.
  return TYPES[type >>> 0] ?? [`0x${(type >>> 0).toString(16)}`, 'fit'];
}

/** @internal */
export function fitness(folder: string, name: string, kind: Kind): HealthFinding {
  const fact = `${folder} is on ${name}`;
  const move = 'Move dork.db with its -wal to a local disk while no process has it open, and set DORK_HOME.';
  switch (kind) {
    case 'shared':
      return say.error(
        `${fact}, a network or host-shared file system: SQLite's locks and shared memory do not work across machines, and the file can be corrupted.`,
        move,
      );
    case 'perhaps-shared':
      return say.warning(
        `${fact}, which may be a network or a shared folder; there SQLite's locks and shared memory may not work.`,
        `If it is not a local disk: ${move}`,
      );
    case 'temporary':
      return say.warning(
        `${fact}: what it holds may be gone with the next start of the machine or the container.`,
        'Put dork.db on a disk or a mounted volume.',
      );
    case 'modeless':
      return say.warning(
        `${fact}, which keeps no owners and modes: other users of this machine may read the file.`,
        'Put dork.db on a disk with a file system of this operating system.',
      );
    case 'readonly':
      return say.error(`${fact}, which cannot be written.`, 'Copy dork.db to a disk that can be written.');
    default:
      return say.ok(`${fact}.`);
  }
}

/** @internal */
export function roomFinding(folder: string, free: number, database: number): HealthFinding {
  const fact = `${folder} has ${sized(free)} free`;
  if (free < LEAST_FREE) return sayDisk.error(`${fact}: writes may soon fail.`, 'Make room on the disk.');
  if (free < database + LEAST_FREE) {
    return sayDisk.warning(
      `${fact}, less than the ${sized(database)} that a copy of the database may need: there is no room for a backup, nor for the snapshot before a migration.`,
      'Make room on the disk, or keep backups on another one.',
    );
  }
  return sayDisk.ok(`${fact}.`);
}
