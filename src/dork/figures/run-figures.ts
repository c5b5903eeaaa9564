import { type AnyDb, connectionOf } from '../../engine/connection/db.ts';
import type { PulseRunStatus } from '../pulse/run.ts';
import { RUN_STATUSES } from '../pulse/schema.ts';
import { type FigureOptions, firstHour, hourOf, hoursFrom, instantOfHour, MOST_ROWS } from './hours.ts';

/** The runs of one hour, by what became of them. */
export interface RunHour {
  /** The beginning of the hour, ISO 8601 in UTC. */
  readonly at: string;
  /** How many runs began in it, by their status now. */
  readonly counts: Readonly<Record<PulseRunStatus, number>>;
}

/** The outcomes of the runs of some hours. */
export interface RunFigures {
  /** Every hour from the first to this one. */
  readonly hours: readonly RunHour[];
  /** True if there were more than 30,000 runs of one status: the oldest are not in it. */
  readonly isCut: boolean;
}

/**
 * Returns how many runs began in each of the last hours, and what became of them, from an index alone.
 *
 * @throws InvalidInputError if `hours` is not an integer from 1 to 168.
 * @throws ClosedError after `closeDb()`.
 *
 * @example
 * ```ts
 * const failed = runFigures(db).hours.reduce((sum, { counts }) => sum + counts.failed, 0);
 * ```
 */
export function runFigures(db: AnyDb, options: FigureOptions = {}): RunFigures {
  const connection = connectionOf(db);
  const first = firstHour(options);
  const byHour = connection.prepare<{ hour: string; runs: number }>(
    `SELECT ${hourOf('created_at')} AS hour, count(*) AS runs FROM (
       SELECT created_at FROM pulse_runs INDEXED BY pulse_runs_status_created
       WHERE status = ? AND created_at >= ? ORDER BY created_at DESC LIMIT ${MOST_ROWS}
     ) GROUP BY hour`,
  );
  const none = Object.fromEntries(RUN_STATUSES.map((status) => [status, 0])) as Record<PulseRunStatus, number>;
  const hours = new Map(hoursFrom(first).map((at) => [at, { at, counts: { ...none } }]));
  let isCut = false;
  for (const status of RUN_STATUSES) {
    let all = 0;
    for (const { hour, runs } of byHour.all(status, first)) {
      const found = hours.get(instantOfHour(hour));
      if (found) found.counts[status] = runs;
      all += runs;
    }
    isCut ||= all === MOST_ROWS;
  }
  return { hours: [...hours.values()], isCut };
}
