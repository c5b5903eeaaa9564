import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { databaseBytes } from '../copies/room.ts';
import { formatBytes } from '../format.ts';
import { type Check, findingsOf, onDisk } from './check.ts';
import type { HealthFinding } from './report.ts';

const say = findingsOf('file-system');
const sayDisk = findingsOf('disk');

/**
 * The fitness of a file system for a database: `shared` with other machines, `temporary`, `modeless` (without
 * permissions), `readonly` or `fit`.
 */
type Kind = 'fit' | 'shared' | 'perhaps-shared' | 'temporary' | 'modeless' | 'readonly';

/** `statfs.f_type` on Linux. https://man7.org/linux/man-pages/man2/statfs.2.html */
const TYPES = new Map<number, readonly [name: string, kind: Kind]>([
  [0xef53, ['ext4', 'fit']],
  [0x58465342, ['xfs', 'fit']],
  [0x9123683e, ['btrfs', 'fit']],
  [0x2fc12fc1, ['zfs', 'fit']],
  [0xca451a4e, ['bcachefs', 'fit']],
  [0xf2f52010, ['f2fs', 'fit']],
  [0x794c7630, ['overlayfs', 'temporary']],
  [0x01021994, ['tmpfs', 'temporary']],
  [0x858458f6, ['ramfs', 'temporary']],
  [0x4d44, ['vfat', 'modeless']],
  [0x2011bab0, ['exfat', 'modeless']],
  [0x7366746e, ['ntfs3', 'modeless']],
  [0x6969, ['nfs', 'shared']],
  [0x517b, ['smb', 'shared']],
  [0xff534d42, ['cifs', 'shared']],
  [0xfe534d42, ['smb2', 'shared']],
  [0x01021997, ['9p', 'shared']],
  [0x5346414f, ['afs', 'shared']],
  [0x6b414653, ['kafs', 'shared']],
  [0x00c36400, ['ceph', 'shared']],
  [0x73757245, ['coda', 'shared']],
  [0x564c, ['ncp', 'shared']],
  [0x0bd00bd0, ['lustre', 'shared']],
  [0x01161970, ['gfs2', 'shared']],
  [0x7461636f, ['ocfs2', 'shared']],
  [0x47504653, ['gpfs', 'shared']],
  [0x786f4256, ['vboxsf', 'shared']],
  [0x53464846, ['wslfs', 'shared']],
  [0x65735546, ['fuse', 'perhaps-shared']],
  [0x73717368, ['squashfs', 'readonly']],
  [0x9660, ['iso9660', 'readonly']],
]);

/** With less free space, the -wal of one large transaction may not fit. */
const LEAST_FREE = 64 * 2 ** 20;

/**
 * Checks the file system and its free space. WAL needs memory shared by all users of the file, which a network file
 * system does not provide.
 */
export const checkFileSystem: Check = onDisk(({ connection }) => {
  const folder = dirname(connection.filename);
  const { type, bavail, bsize } = statfsSync(folder);
  const known = process.platform === 'linux' ? typeOf(type) : undefined;
  const freeBytes = bavail * bsize;
  return {
    findings: [
      ...(known ? [fitness(folder, ...known, connection.readonly)] : []),
      roomFinding(folder, freeBytes, databaseBytes(connection)),
    ],
    figures: { fileSystem: { ...(known && { type: known[0] }), freeBytes } },
  };
});

function typeOf(type: number): readonly [name: string, kind: Kind] {
  // Some platforms return the 32 bits as a negative number.
  return TYPES.get(type >>> 0) ?? [`0x${(type >>> 0).toString(16)}`, 'fit'];
}

/** @internal */
export function fitness(folder: string, name: string, kind: Kind, isReadonly = false): HealthFinding {
  const fact = `${folder} is on ${name}`;
  const move = 'Move the file with its -wal to a local disk while no process has it open.';
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
        `${fact}: its files may be gone after the next start of the machine or the container.`,
        'Put the file on a disk or a mounted volume.',
      );
    case 'modeless':
      return say.warning(
        `${fact}, which has no owners and permissions: other users of this machine may read the file.`,
        'Put the file on a disk with a file system of this operating system.',
      );
    case 'readonly':
      if (isReadonly) return say.info(`${fact}, which is read-only: the file is read without locks.`);
      return say.error(`${fact}, which is read-only.`, 'Copy the file to a writable disk.');
    default:
      return say.ok(`${fact}.`);
  }
}

/** @internal */
export function roomFinding(folder: string, free: number, database: number): HealthFinding {
  const fact = `${folder} has ${formatBytes(free)} free`;
  if (free < LEAST_FREE) return sayDisk.error(`${fact}: writes may soon fail.`, 'Free some disk space.');
  if (free < database + LEAST_FREE) {
    return sayDisk.warning(
      `${fact}, less than the ${formatBytes(database)} that a copy of the database may need. Backups and the snapshot before a migration would fail.`,
      'Free some disk space, or keep backups on another disk.',
    );
  }
  return sayDisk.ok(`${fact}.`);
}
