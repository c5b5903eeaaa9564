import { type AnyDb, connectionOf } from '../connection/db.ts';

import { definitionOf } from '../definition.ts';
import { DorkDbError, InvalidInputError } from '../errors.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import { messageOf } from '../realm.ts';
import { now } from '../time.ts';
import { checkBackups } from './backups.ts';
import type { Check, Checked, Look } from './check.ts';
import { checkForeignKeys, checkIntegrity } from './content.ts';
import { checkFileSystem } from './file-system.ts';
import { checkFiles } from './files.ts';
import { checkMigrations } from './migrations.ts';
import {
  type HealthCheckName,
  type HealthDepth,
  type HealthFigures,
  type HealthFinding,
  type HealthReport,
  worst,
} from './report.ts';
import { checkSize } from './size.ts';
import { checkPragmas, checkSqlite } from './sqlite.ts';
import { checkWal } from './wal.ts';
import { checkWriter } from './writer.ts';

/** Options for `health()`. */
export interface HealthOptions {
  /**
   * How much is read. Default false: only checks whose time does not grow with the file. `'quick'` reads every page
   * once. True reads everything, compares every index with its table and follows every foreign key. Both block this
   * thread meanwhile, so a server should leave them to the command `doctor`.
   */
  readonly deep?: boolean | 'quick';
  /** Called before each check. Default: nothing is called. */
  readonly onProgress?: (progress: HealthProgress) => void;
}

/** The check that begins. */
export interface HealthProgress {
  readonly check: HealthCheckName;
  /** Its number, from 1, and the number of all checks. */
  readonly step: number;
  readonly steps: number;
}

const OPTIONS: OptionNames<HealthOptions> = { deep: true, onProgress: true };

const CHECKS: readonly (readonly [HealthCheckName, Check])[] = [
  ['sqlite', checkSqlite],
  ['pragmas', checkPragmas],
  ['files', checkFiles],
  ['file-system', checkFileSystem],
  ['size', checkSize],
  ['wal', checkWal],
  ['writer', checkWriter],
  ['migrations', checkMigrations],
  ['integrity', checkIntegrity],
  ['foreign-keys', checkForeignKeys],
  ['backups', checkBackups],
];

const DEPTHS = new Map<unknown, HealthDepth>([
  [undefined, 'usual'],
  [false, 'usual'],
  ['quick', 'quick'],
  [true, 'full'],
]);

/**
 * Returns the state of a database: the checks of the engine, then those of its definition.
 *
 * @throws InvalidInputError if `deep` is not false, true or 'quick'.
 * @throws ClosedError after `closeDb()`.
 */
export function health(db: AnyDb, options: HealthOptions = {}): HealthReport {
  optionsArgument(options, OPTIONS);
  const started = performance.now();
  const connection = connectionOf(db);
  connection.assertOpen();
  const depth = DEPTHS.get(options.deep);
  if (!depth) throw new InvalidInputError('options.deep', "must be false, true or 'quick'");
  const definition = definitionOf(connection);
  const look: Look = { connection, history: definition.history, depth };
  const at = now();
  const checks = [...CHECKS, ...(definition.healthChecks ?? [])];
  const checked = checks.map(([name, check], i) => {
    options.onProgress?.({ check: name, step: i + 1, steps: checks.length });
    return run(name, check, look);
  });
  const findings = checked.flatMap((result) => result.findings);
  const figures: Partial<HealthFigures> = Object.assign({}, ...checked.map((result) => result.figures));
  return {
    filename: connection.filename,
    at,
    depth,
    durationMs: performance.now() - started,
    severity: worst(findings.map(({ severity }) => severity)),
    findings,
    ...figures,
  };
}

/** Runs a check. On a damaged file some checks fail, but the others still report. */
function run(name: HealthCheckName, check: Check, look: Look): Checked {
  try {
    return check(look);
  } catch (error) {
    const finding: HealthFinding = {
      check: name,
      severity: 'error',
      fact: `This check failed: ${messageOf(error)}`,
      hint: error instanceof DorkDbError ? error.hint : 'Check the file and its folder, then try again.',
    };
    return { findings: [finding] };
  }
}
