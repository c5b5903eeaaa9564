import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Connection } from '../connection/connection.ts';
import { BUSY_TIMEOUT_MS, configure } from '../connection/pragmas.ts';
import { copyDatabase } from '../copies/copy-database.ts';
import { freeBytes } from '../copies/room.ts';
import { type TemporaryFolder, temporaryFolder } from '../copies/temporary-folder.ts';
import { MigrationError, type MigrationErrorKind } from '../errors.ts';
import { createPrivateFile } from '../file/create.ts';
import { hasCode } from '../file/fs.ts';
import { MEMORY } from '../file/path.ts';
import { hostOf } from '../host.ts';
import type { DanglingReferences } from './foreign-keys.ts';
import type { AllowLoss, History } from './history.ts';
import { planFor } from './plan.ts';
import type { MigrationProgress } from './progress.ts';
import { refusalOf } from './refusal.ts';
import type { AppliedMigration } from './report.ts';
import { countRows, type RowCounts } from './rows.ts';
import { migrate } from './runner.ts';
import type { Drift } from './schema-state.ts';

/** The number of rows of a table before and after; undefined if the table does not exist. */
export interface RowChange {
  readonly table: string;
  /** Rows. */
  readonly before?: number;
  /** Rows. */
  readonly after?: number;
}

/** The effect of the pending migrations on a file, measured on a copy. */
export interface Rehearsal {
  /** The file's absolute path, as given. */
  readonly filename: string;
  /** The tags of the pending migrations, oldest first. */
  readonly pending: readonly string[];
  /** The migrations applied to the copy; empty if one was refused or failed. */
  readonly applied: readonly AppliedMigration[];
  /** The error that the real run would throw. */
  readonly problem?: {
    readonly code: string;
    readonly kind: MigrationErrorKind;
    readonly message: string;
    readonly hint: string;
  };
  /** The rows of each table before and after; empty if nothing was run. */
  readonly rows: readonly RowChange[];
  /** References that are dangling before and after. Ones added by a migration are a problem instead. */
  readonly dangling: readonly DanglingReferences[];
  readonly drift: readonly Drift[];
  /** Duration of the migrations in milliseconds, without copying. */
  readonly durationMs: number;
  /**
   * Peak disk space of the real run in the file's folder, in bytes: the snapshot, the -wal and the growth of the file.
   */
  readonly neededBytes: number;
  /** Free bytes on the file's disk. */
  readonly freeBytes: number;
}

export interface RehearseOptions {
  /**
   * Called before each statement and before each migration's checks. If it throws, the rehearsal ends and the copy is
   * removed.
   */
  readonly onProgress?: (progress: MigrationProgress) => void;
  /** Intended losses by tag, see {@link MigrateOptions.allowLoss}. */
  readonly allowLoss?: AllowLoss;
}

/**
 * Runs the pending migrations on a temporary private copy of a database and reports the result.
 *
 * @param source A read-only connection; a connection in memory represents a file that does not exist yet.
 * @param filename The file; the copy is created in its folder.
 * @throws BackupError if the copy cannot be created.
 */
export function rehearse(
  source: Connection,
  filename: string,
  history: History,
  options: RehearseOptions = {},
): Rehearsal {
  const { pending, problem } = planFor(source, history);
  // Links are resolved, because the disk of the actual file counts.
  const beside = dirname(source.filename === MEMORY ? filename : source.filename);
  const nothing: Rehearsal = {
    filename,
    pending: pending.map(({ tag }) => tag),
    applied: [],
    rows: [],
    dangling: [],
    drift: [],
    durationMs: 0,
    neededBytes: 0,
    freeBytes: freeBytes(beside),
  };
  if (problem) return { ...nothing, ...problemOf(refusalOf(problem, source, history, filename)) };
  if (pending.length === 0) return nothing;
  using folder = folderIn(source, beside);
  return { ...nothing, ...rehearseOn(join(folder.path, basename(filename)), source, history, options) };
}

type Findings = Omit<Rehearsal, 'filename' | 'pending' | 'freeBytes'>;

function rehearseOn(path: string, source: Connection, history: History, options: RehearseOptions): Findings {
  if (source.filename === MEMORY) createPrivateFile(path);
  // The original may be written to meanwhile, but the copy has a single state.
  else copyDatabase(source, path, countRows);
  const copiedBytes = statSync(path).size;
  using copy = source.sibling(path);
  configure(copy, BUSY_TIMEOUT_MS);
  const before = countRows(copy);
  const started = performance.now();
  const outcome = attempt(copy, history, options);
  const durationMs = performance.now() - started;
  const rows = rowChanges(before, countRows(copy));
  // The -wal keeps its maximum length until the last connection closes.
  const walBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  copy.close();
  const growth = Math.max(0, statSync(path).size - copiedBytes);
  const hasData = Object.values(before).some((n) => n > 0);
  return { ...outcome, rows, durationMs, neededBytes: (hasData ? copiedBytes : 0) + walBytes + growth };
}

function attempt(
  copy: Connection,
  history: History,
  { onProgress, allowLoss }: RehearseOptions,
): Pick<Rehearsal, 'applied' | 'dangling' | 'drift' | 'problem'> {
  try {
    const { applied, dangling, drift } = migrate(copy, history, { snapshot: false, onProgress, allowLoss });
    return { applied, dangling, drift };
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    return { applied: [], dangling: [], drift: [], ...problemOf(error) };
  }
}

function problemOf({ code, kind, message, hint }: MigrationError): Required<Pick<Rehearsal, 'problem'>> {
  return { problem: { code, kind, message, hint } };
}

function rowChanges(before: RowCounts, after: RowCounts): RowChange[] {
  const tables = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return tables.map((table) => ({ table, before: before[table], after: after[table] }));
}

/**
 * Creates the folder next to the file, because the file's disk counts, or in the system's folder if that is read-only.
 */
function folderIn(source: Connection, beside: string): TemporaryFolder {
  const { adapter } = source;
  const name = `.${hostOf(source).name}-rehearsal`;
  try {
    return temporaryFolder(adapter, beside, name);
  } catch (error) {
    if (!hasCode((error as Error).cause, 'EACCES', 'EPERM', 'EROFS')) throw error;
    return temporaryFolder(adapter, tmpdir(), name);
  }
}
