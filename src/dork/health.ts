import type { AnyDb } from '../engine/connection/db.ts';
import { type HealthOptions, health as healthOf } from '../engine/health/health.ts';
import type * as engine from '../engine/health/report.ts';

/** What was found out, as figures. One is absent if it was not asked for or could not be found out. */
export interface HealthFigures extends engine.HealthFigures {
  /** Older DorkOS files that are not imported, or were changed after they were. */
  readonly legacyFiles: readonly string[];
}

/** The state of a database. */
export interface HealthReport extends engine.HealthReport, Partial<HealthFigures> {}

/**
 * The state of a database: what is as it should be and what is not, how bad it is, and what to do about it. Writes
 * nothing. A check that cannot be made is a finding, not an exception.
 *
 * Without `deep` it takes some milliseconds, on a large file as on a small one; up to half a second more where another
 * process keeps a lock, since it then watches whether that process is stuck or busy.
 *
 * @throws InvalidInputError where `deep` is something else than false, true and 'quick'.
 * @throws ClosedError after `closeDb()`.
 *
 * @example
 * ```ts
 * const { severity, findings } = health(db);
 * for (const { severity, fact, hint } of findings) if (severity !== 'ok') console.warn(fact, hint);
 * ```
 */
export function health(db: AnyDb, options?: HealthOptions): HealthReport {
  return healthOf(db, options);
}
