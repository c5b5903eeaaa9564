import type { Command } from 'commander';
import { defaultDbPath } from '../../dork/home.ts';
import { type BackupEntry, backupsIn } from '../../engine/backup/list.ts';
import type { PruneBackupsReport } from '../../engine/backup/prune.ts';
import { backupFolder } from '../../engine/file/copy-name.ts';
import { realFile } from '../../engine/file/file.ts';
import { isThere } from '../../engine/file/fs.ts';
import { databasePath } from '../../engine/file/path.ts';
import { formatBytes } from '../../engine/format.ts';
import { type CommonOptions, loadApi } from '../context.ts';
import { EXIT_CODE } from '../exit-codes.ts';
import { formatTable, plural, print, printJson } from '../output.ts';
import { wholeNumber } from '../whole-number.ts';

interface Options extends CommonOptions {
  readonly dir?: string;
  readonly all?: boolean;
  readonly prune?: boolean;
  readonly dryRun?: boolean;
  readonly preMigration?: number;
  readonly daily?: number;
  readonly weekly?: number;
}

export function addBackups(add: (name: string) => Command): void {
  add('backups')
    .description('list the backups, newest first; with --prune delete old ones')
    .option('--dir <folder>', 'the folder with the backups (default: backups beside the database)')
    .option('--all', 'those of every database in the folder, each by itself; default: those of this one')
    .option('--prune', 'delete old daily backups and copies from before migrations; one that is good always stays')
    .option('--dry-run', 'with --prune: say what would be deleted; deletes nothing')
    .option('--daily <count>', 'with --prune: keep the backups of this many days (default: 7)', wholeNumber)
    .option('--weekly <count>', 'and the newest of this many weeks (default: 4)', wholeNumber)
    .option('--pre-migration <count>', 'and this many copies from before migrations (default: 10)', wholeNumber)
    .addHelpText(
      'after',
      '\nBackups made by hand, with a label or without, are never deleted.\nExit code 3 where a file in the folder is no backup that can be used.\n' +
        '\nExamples:\n  dork-db backups\n  dork-db backups --prune --dry-run\n  dork-db backups --dir /mnt/usb --json',
    )
    .action(runBackups);
}

async function runBackups(options: Options): Promise<void> {
  const { listBackups, pruneBackups } = await loadApi();
  const database = databasePath(options.db ?? defaultDbPath(), '--db');
  const folder = options.dir ?? folderOf(database);
  const only = options.all ? {} : { database };
  if (options.prune) {
    const { preMigration, daily, weekly, dryRun } = options;
    const report = await pruneBackups(folder, { preMigration, daily, weekly }, { dryRun, ...only });
    return options.json ? printJson(report) : print(describePrune(report));
  }
  const backups = listBackups(folder, only);
  if (backups.some(({ verified, isAhead }) => !verified || isAhead)) process.exitCode = EXIT_CODE.look;
  if (options.json) return printJson(backups);
  const others = options.all ? 0 : backupsIn(folder).length - backups.length;
  print(
    backups.length === 0
      ? `There are no backups of ${database} in ${folder}. dork-db backup makes one.`
      : describe(backups),
  );
  if (others > 0) print(`${plural(others, 'backup')} of other databases in that folder: --all lists them too.`);
}

function folderOf(filename: string): string {
  return backupFolder(isThere(filename) ? realFile(filename) : filename);
}

function describe(backups: readonly BackupEntry[]): string {
  const head = ['age', 'size', 'label', 'newest migration', 'usable', 'file'];
  const rows = backups.map(({ ageMs, isAhead, bytes, kind, label, migration, verified, path }) => [
    isAhead ? 'future' : formatAge(ageMs),
    formatBytes(bytes),
    label ?? (kind === 'backup' ? '-' : kind),
    migration ?? '-',
    verified ? 'looks so' : 'NO',
    path,
  ]);
  const problems = backups.flatMap(({ problem }) => (problem ? [problem] : []));
  const ahead = backups.filter(({ isAhead }) => isAhead);
  const notRead = 'Only headers, tables and ledgers were looked at. dork-db verify FILE reads every page.';
  return [formatTable(head, rows), notRead, ...problems, ...(ahead.length > 0 ? [dated(ahead.length)] : [])].join('\n');
}

function dated(count: number): string {
  const were = count === 1 ? 'is' : 'are';
  return `${plural(count, 'backup')} ${were} dated in the future: the clock was wrong then, or is wrong now. --prune leaves them alone.`;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `3 days`, `5 hours`, `2 minutes`: the largest unit that is full. */
function formatAge(ageMs: number): string {
  if (ageMs >= DAY_MS) return plural(Math.floor(ageMs / DAY_MS), 'day');
  if (ageMs >= HOUR_MS) return plural(Math.floor(ageMs / HOUR_MS), 'hour');
  return plural(Math.floor(ageMs / MINUTE_MS), 'minute');
}

function describePrune({ wreckage, deleted, kept, spared, dryRun }: PruneBackupsReport): string {
  const gone = [...wreckage, ...deleted];
  const done = dryRun ? 'would be deleted' : 'deleted';
  return [
    `${plural(gone.length, 'file')} ${done}, ${plural(kept.length, 'backup')} kept.`,
    ...gone.map((path) => `  ${path}`),
    ...(spared.length > 0 ? ['Kept although old, since no other is known to be good:'] : []),
    ...spared.map((path) => `  ${path}`),
  ].join('\n');
}
