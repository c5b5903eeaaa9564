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

/** Rows of a table before and after; undefined where it is not there. */
export interface RowChange {
  readonly table: string;
  /** Rows. */
  readonly before?: number;
  /** Rows. */
  readonly after?: number;
}

/** What the pending migrations would do to a file, found out on a copy of it. */
export interface Rehearsal {
  /** The file as it was named, absolute. */
  readonly filename: string;
  /** The tags of the migrations that it lacks, oldest first. */
  readonly pending: readonly string[];
  /** What was applied to the copy; empty where something was refused or failed. */
  readonly applied: readonly AppliedMigration[];
  /** The refusal or the failure that the real run would meet. */
  readonly problem?: {
    readonly code: string;
    readonly kind: MigrationErrorKind;
    readonly message: string;
    readonly hint: string;
  };
  /** Rows of each table before and after; empty where nothing was run. */
  readonly rows: readonly RowChange[];
  /** References that are dangling before and after; ones that a migration leaves are a problem. */
  readonly dangling: readonly DanglingReferences[];
  readonly drift: readonly Drift[];
  /** How long the migrations took, without the copying. */
  readonly durationMs: number;
  /** Room that the real run takes beside the file at its peak: the snapshot, the -wal and the growth of the file. */
  readonly neededBytes: number;
  /** Bytes that the disk of the file has free. */
  readonly freeBytes: number;
}

export interface RehearseOptions {
  /** Called before each statement and each migration's checks. What it throws ends the rehearsal; the copy is removed. */
  readonly onProgress?: (progress: MigrationProgress) => void;
  /** What migrations may lose on purpose, by their tag; see {@link MigrateOptions.allowLoss}. */
  readonly allowLoss?: AllowLoss;
}

/**
 * Runs the pending migrations on a private copy of a database, which is removed at the end, and says what they did.
 *
 * @param source A connection that only reads; one in memory stands for a file that is not there yet.
 * @param filename The file, whose folder the copy is made in.
 * @throws BackupError where the copy cannot be made.
 */
export function rehearse(
  source: Connection,
  filename: string,
  history: History,
  options: RehearseOptions = {},
): Rehearsal {
  const { pending, problem } = planFor(source, history);
  // Through a link: the disk that counts is that of the file itself.
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
  // The original may be written meanwhile; the copy is of one moment.
  else copyDatabase(source, path, countRows);
  const copiedBytes = statSync(path).size;
  using copy = source.sibling(path);
  configure(copy, BUSY_TIMEOUT_MS);
  const before = countRows(copy);
  const started = performance.now();
  const outcome = attempt(copy, history, options);
  const durationMs = performance.now() - started;
  const rows = rowChanges(before, countRows(copy));
  // The -wal is as long as it ever was until the last connection closes.
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

/** Beside the file, whose disk is the one that counts; else, where only reading is allowed, in the system's folder. */
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
