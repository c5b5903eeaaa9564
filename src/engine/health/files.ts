import { accessSync, constants, readdirSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type FileProblem, REOPEN } from '../connection/open-file.ts';
import { backupFolder } from '../file/copy-name.ts';
import { FILE_MODE, FOLDER_MODE } from '../file/file.ts';
import { shellQuoted } from '../file/path.ts';
import { checkOwner } from '../hints.ts';
import { type Check, findingsOf, onDisk } from './check.ts';
import type { FileFigure, HealthFinding } from './report.ts';

const say = findingsOf('files');

/** Only this many backups are checked, so that a large folder does not make the check slow. */
const BACKUPS_LOOKED_AT = 200;

/** Checks the owner and permissions of the file, its sidecars, its folder and its backups. */
export const checkFiles: Check = onDisk(({ connection }) => {
  const { filename } = connection;
  // Windows has no permission bits; the reported ones are made up.
  if (process.platform === 'win32') return { findings: [] };
  const main = statSync(filename, { throwIfNoEntry: false });
  const files = [filename, `${filename}-wal`, `${filename}-shm`].flatMap(entryAt);
  const folders = [dirname(filename), backupFolder(filename)].flatMap(entryAt);
  const backups = backupsOf(filename).flatMap(entryAt);
  const findings = [
    ...openFileFindings(connection.openFile?.problem()),
    ...linkFindings(filename, main),
    ...files.flatMap((file) => [...modeFindings(file), ...accessFindings(file, main, connection.readonly)]),
    ...folders.flatMap(folderFindings),
    ...backups.flatMap(modeFindings),
  ];
  return {
    findings:
      findings.length > 0 ? findings : [say.ok('Only their owner may read the file, its sidecars and backups.')],
    figures: { files: [...files, ...folders, ...backups].map(({ isFolder: _, ...figure }) => figure) },
  };
});

function openFileFindings(problem: FileProblem | undefined): HealthFinding[] {
  return problem ? [say.error(`${problem.fact} Further writes are refused.`, REOPEN)] : [];
}

/**
 * Reports hard links: SQLite uses a separate -wal for each name of a file.
 * https://sqlite.org/howtocorrupt.html#_multiple_links_to_the_same_file
 */
function linkFindings(filename: string, main: Stats | undefined): HealthFinding[] {
  if (!main || main.nlink < 2) return [];
  return [
    say.error(
      `${filename} has ${main.nlink} names (hard links). A program that opens another of them loses or damages the data written here.`,
      'Open it by this name only, and remove the other name: find it with `find / -xdev -samefile FILE`.',
    ),
  ];
}

interface Entry extends FileFigure {
  readonly isFolder: boolean;
}

/** Returns the entry at a path; an empty list if there is none. */
function entryAt(path: string): Entry[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return [];
  const { mode, uid, size } = stat;
  return [{ path, mode: (mode & 0o7777).toString(8), uid, bytes: size, isFolder: stat.isDirectory() }];
}

function backupsOf(filename: string): string[] {
  const folder = backupFolder(filename);
  try {
    return readdirSync(folder)
      .slice(0, BACKUPS_LOOKED_AT)
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** Returns the permission bits that other users should not have. */
function excess(mode: string, wanted: number): number {
  return Number.parseInt(mode, 8) & 0o777 & ~wanted;
}

function modeFindings({ path, mode, isFolder }: Entry): HealthFinding[] {
  const wanted = isFolder ? FOLDER_MODE : FILE_MODE;
  const more = excess(mode, wanted);
  if (more === 0) return [];
  const hint = `chmod ${wanted.toString(8)} ${shellQuoted(path)}`;
  if ((more & 0o022) !== 0) return [say.error(`${path} has mode ${mode}: other users may change it.`, hint)];
  return [say.warning(`${path} has mode ${mode}: other users may read it.`, hint)];
}

/** Users who can read the folder see the names; users who can write may replace the database. */
function folderFindings({ path, mode }: Entry): HealthFinding[] {
  const more = excess(mode, FOLDER_MODE);
  if (more === 0) return [];
  const hint = `chmod 700 ${shellQuoted(path)}`;
  const isSticky = (Number.parseInt(mode, 8) & 0o1000) !== 0;
  if ((more & 0o022) !== 0 && !isSticky)
    return [say.error(`${path} has mode ${mode}: other users may replace the files in it.`, hint)];
  return [say.info(`${path} has mode ${mode}: other users may see the names of the files in it.`, hint)];
}

function accessFindings({ path, uid }: Entry, main: Stats | undefined, readonly: boolean): HealthFinding[] {
  const owner = main?.uid ?? uid;
  if (uid !== owner) {
    return [
      say.error(
        `${path} belongs to user ${uid}, the database to user ${owner}, who then cannot write.`,
        `chown ${owner} ${shellQuoted(path)}`,
      ),
    ];
  }
  try {
    accessSync(path, readonly ? constants.R_OK : constants.R_OK | constants.W_OK);
    return [];
  } catch {
    return [
      say.error(
        `${path} cannot be ${readonly ? 'read' : 'written'} by this user.`,
        `Run as its owner (user ${uid}). ${checkOwner('the file')}`,
      ),
    ];
  }
}
