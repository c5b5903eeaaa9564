import { basename, dirname } from 'node:path';
import { backupsIn, instantOf, type NamedBackup } from '../backup/list.ts';
import { look as lookAt } from '../backup/look.ts';
import { isCopyName, leftoversIn } from '../copies/sweep.ts';
import { kitOf } from '../definition.ts';
import { BackupError } from '../errors.ts';
import { backupFolder, isAhead } from '../file/copy-name.ts';
import { statAt } from '../file/file.ts';
import { shellQuoted } from '../file/path.ts';
import { bytesOf } from '../file/wal.ts';
import { howTo } from '../host.ts';
import { dataTables, quoted } from '../migrations/rows.ts';
import { type Check, findingsOf, type Look, onDisk } from './check.ts';
import type { BackupFigures, HealthFinding } from './report.ts';

const say = findingsOf('backups');

const DAY_MS = 24 * 60 * 60 * 1000;

/** From this age on, the newest backup is too old. */
const OLD_MS = 7 * DAY_MS;

/** Checks the age of the newest usable backup. Backups in other folders are not found. */
export const checkBackups: Check = onDisk((look) => {
  const { filename } = look.connection;
  const folder = backupFolder(filename);
  const found = readable(folder, filename);
  if (!Array.isArray(found))
    return { findings: [say.warning(found.message, found.hint)], figures: { newestBackup: null } };
  const { newest, broken } = newestUsable(look, found);
  const findings = broken.map((problem) => say.warning(problem, 'Move it out of the folder and make a new backup.'));
  findings.push(...aheadOf(found), ...leftovers(look, folder));
  const hint = howTo(look.connection.host, `backup --db ${shellQuoted(filename)}`, 'Call backup(db).');
  if (!newest) {
    const none = `There is no backup of ${filename} in ${folder}`;
    findings.push(hasRows(look) ? say.warning(`${none}.`, hint) : say.info(`${none}; the database is still empty.`));
  } else if (newest.ageMs < OLD_MS)
    findings.push(
      say.ok(
        `The newest backup was made at ${newest.at}. Its header, tables and ledger are correct; its pages were not read.`,
      ),
    );
  else {
    const days = Math.floor(newest.ageMs / DAY_MS);
    findings.push(say.warning(`The newest usable backup is ${days} days old: ${newest.path}.`, hint));
  }
  return { findings, figures: { newestBackup: newest ?? null } };
});

function hasRows({ connection }: Look): boolean {
  return dataTables(connection).some(
    (table) => connection.prepare(`SELECT 1 FROM ${quoted(table)} LIMIT 1`).get() !== undefined,
  );
}

function readable(folder: string, filename: string): NamedBackup[] | BackupError {
  try {
    return backupsIn(folder, filename).filter(({ name }) => name.kind !== 'recovered');
  } catch (error) {
    if (error instanceof BackupError) return error;
    throw error;
  }
}

/** Reports backups dated in the future. Their real age is unknown, so retention ignores them. */
function aheadOf(backups: readonly NamedBackup[]): HealthFinding[] {
  const ahead = backups.filter(({ name }) => isAhead(name));
  const [first] = ahead;
  if (!first) return [];
  const fact = `${ahead.length} of the backups are dated in the future, such as ${first.path}: the clock was wrong when they were made, or is wrong now. They are not counted, and never deleted by age.`;
  return [say.warning(fact, 'Check the clock of this machine. If it is right, make a new backup and move those away.')];
}

/** Reports unfinished files of backups, snapshots and compactions that were killed. */
function leftovers({ connection: { adapter, filename } }: Look, folder: string): HealthFinding[] {
  const beside = leftoversIn(adapter, dirname(filename), (name) => name === basename(filename));
  return [...leftoversIn(adapter, folder, isCopyName), ...beside].map((path) =>
    say.info(
      `${path} was left by a killed process: ${bytesOf(path)} bytes. It is not a backup.`,
      'The next backup removes it.',
    ),
  );
}

/** Returns the newest usable backup, and the problems of the newer ones. */
function newestUsable({ connection }: Look, backups: readonly NamedBackup[]) {
  const kit = kitOf(connection);
  const broken: string[] = [];
  for (const { path, name } of backups.filter((backup) => !isAhead(backup.name))) {
    try {
      lookAt(kit, path);
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      broken.push(error.message);
      continue;
    }
    const at = instantOf(name, statAt(path)?.mtime);
    const newest: BackupFigures = { path, at, ageMs: Math.max(0, Date.now() - Date.parse(at)) };
    return { newest, broken };
  }
  return { newest: undefined, broken };
}
