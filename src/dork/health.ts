import type { AnyDb } from '../engine/connection/db.ts';
import { type HealthOptions, health as healthOf } from '../engine/health/health.ts';
import type * as engine from '../engine/health/report.ts';

/** The results as figures. A figure is absent if its check was not asked for or failed. */
export interface HealthFigures extends engine.HealthFigures {
  /** Older DorkOS files that are not imported, or were changed after they were. */
  readonly legacyFiles: readonly string[];
}

/** The state of a database. */
export interface HealthReport extends engine.HealthReport, Partial<HealthFigures> {}

/**
 * Returns the state of a database: findings with their severity and a hint. Writes nothing. A check that fails is a
 * finding, not an exception.
 *
 * Without `deep` it takes some milliseconds, on a large file as on a small one; up to 0.5 seconds more if another
 * process holds a lock, because it then watches whether that process is stuck or busy.
 *
 * @throws InvalidInputError if `deep` is not false, true or 'quick'.
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
