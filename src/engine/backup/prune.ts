import { isCopyName, leftoversIn, sweep } from '../copies/sweep.ts';
import type { Kit } from '../definition.ts';
import { BackupError, InvalidInputError } from '../errors.ts';
import { isAhead, isDisposable } from '../file/copy-name.ts';
import { fsPromises } from '../file/fs-promises.ts';
import { databasePath } from '../file/path.ts';
import { checkOwner } from '../hints.ts';
import { flagArgument } from '../input.ts';
import type { History } from '../migrations/history.ts';
import { type OptionNames, objectArgument, optionsArgument } from '../options.ts';
import { startThread } from '../worker/thread.ts';
import { failureOf } from './failure.ts';
import { backupsIn, databaseOption, type NamedBackup } from './list.ts';
import { verify } from './verify.ts';

/**
 * How many backups to keep. Backups made by `backup()`, with or without a label, and recovered files are always kept.
 */
export interface RetentionPolicy {
  /** The newest pre-migration copies. Default 10. */
  readonly preMigration?: number;
  /** Daily backups: the newest days that have one. Default 7. */
  readonly daily?: number;
  /**
   * In addition, the newest daily backup of each week (ISO 8601, in UTC), for the newest weeks that have one. Default
   * 4.
   */
  readonly weekly?: number;
}

/** Options for `pruneBackups()`. */
export interface PruneBackupsOptions {
  /** True to report the backups to delete without deleting them. Default false. */
  readonly dryRun?: boolean;
  /** The path of a database, to delete only its backups. Default: the policy applies to each database separately. */
  readonly database?: string;
}

const OPTIONS: OptionNames<PruneBackupsOptions> = { dryRun: true, database: true };

/** The deleted and the kept files. Paths are absolute. */
export interface PruneBackupsReport {
  /** Unfinished files of backups that were killed. */
  readonly wreckage: readonly string[];
  readonly deleted: readonly string[];
  /** Every kept backup, newest first. */
  readonly kept: readonly string[];
  /** Backups that are kept in spite of the policy, because no other backup of their database is known to be good. */
  readonly spared: readonly string[];
  readonly dryRun: boolean;
}

/** The type of `pruneBackups()`. */
export interface PruneBackups {
  /**
   * Deletes old backups according to a policy. Only files with names given by this package are deleted. Leftovers of
   * killed backups are deleted first. For each database, at least one backup that was just completely verified is kept;
   * if none is good, none is deleted.
   *
   * @throws BackupError `FOLDER_UNREADABLE`, or the system's code if a file cannot be deleted.
   * @throws InvalidInputError for a negative or fractional number, an invalid folder, or if `dryRun` is not a boolean.
   */
  (dir: string, policy?: RetentionPolicy, options?: PruneBackupsOptions): Promise<PruneBackupsReport>;
}

const DEFAULTS: Required<RetentionPolicy> = { preMigration: 10, daily: 7, weekly: 4 };

/** Returns `pruneBackups()` for a driver and a definition. */
export function pruneBackupsWith(kit: Kit): PruneBackups {
  return async (dir, policy = {}, options = {}) => {
    const dryRun = flagArgument(optionsArgument(options, OPTIONS).dryRun, 'options.dryRun');
    const folder = databasePath(dir, 'dir');
    const database = databaseOption(options);
    const limits = checkedPolicy(policy);
    // Throws for an unreadable folder before anything is deleted.
    const all = backupsIn(folder, database);
    kit.adapter.load();
    const leftovers = leftoversIn(kit.adapter, folder, isCopyName);
    const wreckage = dryRun ? leftovers : await sweep(kit.adapter, folder, isCopyName);
    const report = { wreckage, deleted: [] as string[], kept: [] as string[], spared: [] as string[], dryRun };
    for (const backups of Map.groupBy(all, ({ name }) => name.database).values()) {
      const wanted = wantedBy(limits, backups, kit.definition.history);
      const spared = await neededBesides(kit, backups, wanted);
      const stay = (backup: NamedBackup) => wanted.has(backup) || spared.has(backup);
      report.kept.push(...backups.filter(stay).map(({ path }) => path));
      report.spared.push(...[...spared].map(({ path }) => path));
      for (const { path } of backups.filter((backup) => !stay(backup))) {
        if (!dryRun) await remove(path, report.deleted);
        report.deleted.push(path);
      }
    }
    return report;
  };
}

/** Removing a large file takes as long as flushing it, so it is done asynchronously. */
async function remove(path: string, before: readonly string[]): Promise<void> {
  try {
    await fsPromises().rm(path, { force: true });
  } catch (error) {
    const what = `${path} could not be deleted, and the remaining backups were not deleted. Deleted before: ${before.length}.`;
    throw failureOf(BackupError, error, what, checkOwner('its folder', 'try again'));
  }
}

function checkedPolicy(policy: RetentionPolicy): Required<RetentionPolicy> {
  for (const [name, limit] of Object.entries(objectArgument(policy, 'policy'))) {
    if (!(name in DEFAULTS))
      throw new InvalidInputError(`policy.${name}`, 'must be one of preMigration, daily, weekly');
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) {
      throw new InvalidInputError(`policy.${name}`, 'must be a non-negative integer');
    }
  }
  const { preMigration, daily, weekly } = policy;
  return {
    preMigration: preMigration ?? DEFAULTS.preMigration,
    daily: daily ?? DEFAULTS.daily,
    weekly: weekly ?? DEFAULTS.weekly,
  };
}

/**
 * Returns the backups of one database that the policy keeps, newest first. A backup dated in the future is kept but not
 * counted: its real age is unknown, so it must neither be deleted nor replace another one.
 */
function wantedBy(
  { preMigration, daily, weekly }: Required<RetentionPolicy>,
  backups: readonly NamedBackup[],
  { migrations }: History,
): Set<NamedBackup> {
  const isCounted = ({ name }: NamedBackup) => !isAhead(name) && isDisposable(name, migrations);
  const of = (kind: string) => backups.filter((backup) => backup.name.kind === kind && isCounted(backup));
  const dailies = of('daily');
  return new Set([
    ...backups.filter((backup) => !isCounted(backup)),
    ...of('pre-migration').slice(0, preMigration),
    ...newestOfEach(dailies, ({ name }) => name.day).slice(0, daily),
    ...newestOfEach(dailies, ({ name }) => weekOf(name.day)).slice(0, weekly),
  ]);
}

function newestOfEach(backups: readonly NamedBackup[], key: (backup: NamedBackup) => string): NamedBackup[] {
  return [...Map.groupBy(backups, key).values()].flatMap(([newest]) => newest ?? []);
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Returns the Monday of a day's week. */
function weekOf(day: string): string {
  const time = Date.parse(day);
  const sinceMonday = (new Date(time).getUTCDay() + 6) % 7;
  return new Date(time - sinceMonday * DAY_MS).toISOString();
}

/** Returns the backups to keep in addition to the policy, so that a good one remains. */
async function neededBesides(
  kit: Kit,
  backups: readonly NamedBackup[],
  wanted: ReadonlySet<NamedBackup>,
): Promise<Set<NamedBackup>> {
  const unwanted = backups.filter((backup) => !wanted.has(backup));
  if (unwanted.length === 0) return new Set();
  const sane = [...wanted].filter(({ name }) => !isAhead(name));
  for (const backup of sane.sort((a, b) => backups.indexOf(a) - backups.indexOf(b))) {
    if (await isGood(kit, backup)) return new Set();
  }
  for (const backup of unwanted) {
    if (await isGood(kit, backup)) return new Set([backup]);
  }
  return new Set(unwanted);
}

async function isGood(kit: Kit, { path }: NamedBackup): Promise<boolean> {
  kit.adapter.load();
  await using thread = await startThread(kit.adapter);
  try {
    await verify(kit, thread, path, false);
    return true;
  } catch (error) {
    if (error instanceof BackupError) return false;
    throw error;
  }
}
