import type { Connection } from '../connection/connection.ts';
import { LOCK_GAP_MS, leaveLockFree, SHORT_LOCK_MS } from '../connection/lock-gap.ts';
import { DorkDbError } from '../errors.ts';
import { quoted } from '../migrations/rows.ts';

/** Report the statements for all tables with missing or outdated statistics, without running them. */
const REPORT_ALL_TABLES = 0x10013;

/**
 * How many rows of each index are compared. Without the limit, better-sqlite3 also stores samples (sqlite_stat4). SQLite
 * then recompiles a statement each time a value is bound that is compared with an index, so that a read takes 25 instead
 * of 6 microseconds.
 */
const ANALYSIS_LIMIT = 2000;

/**
 * Gathers missing or outdated statistics for the query planner, like `PRAGMA optimize`, which holds the write lock until
 * all tables are done: a second for a million rows. Here other connections can write after each index.
 *
 * @returns The tables.
 */
export function gatherStatistics(connection: Connection): string[] {
  const tables = outdatedTables(connection);
  const before = connection.pragma('analysis_limit', { simple: true });
  connection.pragma(`analysis_limit = ${ANALYSIS_LIMIT}`);
  try {
    for (const name of tables.flatMap((table) => partsOf(connection, table))) {
      const began = performance.now();
      connection.exec(`ANALYZE main.${quoted(name)}`);
      if (performance.now() - began > SHORT_LOCK_MS && !connection.inTransaction) leaveLockFree(LOCK_GAP_MS);
    }
  } finally {
    connection.pragma(`analysis_limit = ${before}`);
  }
  return tables;
}

/** Gathers statistics after an import, which has succeeded even if another process is writing now. */
export function gatherIfFree(connection: Connection): void {
  try {
    gatherStatistics(connection);
  } catch (error) {
    if (!(error instanceof DorkDbError)) throw error;
  }
}

function outdatedTables(connection: Connection): string[] {
  const planned = connection.pragma(`optimize(${REPORT_ALL_TABLES})`) as Record<string, string>[];
  return planned
    .flatMap((row) => Object.values(row))
    .map((sql) => /^ANALYZE "main"\."(.*)"$/s.exec(sql)?.[1])
    .filter((name) => name !== undefined)
    .map((name) => name.replaceAll('""', '"'));
}

/**
 * Returns the indexes of a table, or the table itself if its statistics are not only those of its indexes: without
 * rowids, the table is an index, and without a complete index, its rows are counted.
 */
function partsOf(connection: Connection, table: string): string[] {
  const found = connection
    .prepare<{ name: string; partial: number; wr: number }>(
      `SELECT i.name, i.partial, t.wr FROM pragma_table_list AS t, pragma_index_list(t.name, 'main') AS i
       WHERE t.schema = 'main' AND t.name = ?`,
    )
    .all(table);
  const isIndexes = found.some(({ partial }) => partial === 0) && found.every(({ wr }) => wr === 0);
  return isIndexes ? found.map(({ name }) => name) : [table];
}
