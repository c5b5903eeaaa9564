import { type AnyDb, connectionOf } from '../connection/db.ts';
import { OPTIMIZE_ALL_TABLES } from '../connection/statistics.ts';
import { requireWritable } from './requirements.ts';

/** The result of an optimization. */
export interface OptimizeReport {
  readonly filename: string;
  /** The tables whose statistics were updated. */
  readonly analyzed: readonly string[];
  readonly durationMs: number;
}

/** Report the statements without running them. */
const DRY = 0x00001;

/**
 * Gathers missing or outdated statistics for the query planner, in bounded time whatever the size of the file. Call it
 * once a day, and after a large deletion. Imports end with it. https://sqlite.org/lang_analyze.html#pragma_optimize
 *
 * @throws DorkDbError `READ_ONLY` on a read-only connection.
 * @throws DatabaseBusyError if another connection writes for longer than the busy timeout.
 */
export function optimize(db: AnyDb): OptimizeReport {
  const connection = connectionOf(db);
  connection.assertOpen();
  requireWritable(connection, 'Nothing was changed.');
  const started = performance.now();
  const planned = connection.pragma(`optimize(${OPTIMIZE_ALL_TABLES | DRY})`) as Record<string, string>[];
  connection.pragma(`optimize(${OPTIMIZE_ALL_TABLES})`);
  const analyzed = planned
    .flatMap((row) => Object.values(row))
    .map((sql) => /^ANALYZE "main"\."(.*)"$/.exec(sql)?.[1])
    .filter((name) => name !== undefined);
  return { filename: connection.filename, analyzed, durationMs: performance.now() - started };
}
