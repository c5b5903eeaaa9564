import { backupsIn, instantOf } from '../backup/list.ts';
import { look as lookAt } from '../backup/look.ts';
import { BackupError } from '../core/errors.ts';
import { backupFolder, statAt, stemOf } from '../core/file.ts';
import { shellQuoted } from '../core/path.ts';
import { dataTables, quoted } from '../migrations/rows.ts';
import { type Check, findingsOf, type Look, onDisk } from './check.ts';
import type { BackupFigures } from './report.ts';

const say = findingsOf('backups');

const DAY_MS = 24 * 60 * 60 * 1000;

/** From this age on, what a restore would lose is worth a warning. */
const OLD_MS = 7 * DAY_MS;

/** How old the newest backup is that can be used. Those that are kept in another folder are not seen. */
export const checkBackups: Check = onDisk((look) => {
  const { filename } = look.connection;
  const folder = backupFolder(filename);
  const { newest, broken } = newestVerified(look, folder);
  const findings = broken.map((problem) => say.warning(problem, 'Keep it out of the folder, and make a new backup.'));
  const hint = `dork-db backup --db ${shellQuoted(filename)}`;
  if (!newest) {
    const none = `There is no backup of ${filename} in ${folder}`;
    findings.push(hasRows(look) ? say.warning(`${none}.`, hint) : say.info(`${none}; it holds nothing yet.`));
  } else if (newest.ageMs < OLD_MS) findings.push(say.ok(`The newest verified backup is of ${newest.at}.`));
  else {
    const days = Math.floor(newest.ageMs / DAY_MS);
    findings.push(say.warning(`The newest verified backup is ${days} days old: ${newest.path}.`, hint));
  }
  return { findings, figures: { newestBackup: newest ?? null } };
});

function hasRows({ connection }: Look): boolean {
  return dataTables(connection).some(
    (table) => connection.prepare(`SELECT 1 FROM ${quoted(table)} LIMIT 1`).get() !== undefined,
  );
}

/** Looks from the newest on, as far as the first that is one. */
function newestVerified({ connection, history }: Look, folder: string) {
  const stem = stemOf(connection.filename);
  const broken: string[] = [];
  for (const { path, name } of backupsIn(folder)) {
    if (name.stem !== stem || name.kind === 'recovered') continue;
    try {
      lookAt(connection.adapter, path, history);
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
