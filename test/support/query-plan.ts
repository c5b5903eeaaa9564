import assert from 'node:assert/strict';
import type { Connection } from '../../src/engine/connection/connection.ts';
import { countParameters } from '../../src/engine/sql/sql-text.ts';

/** A statement of a store, as it was prepared. */
export interface PreparedStatement {
  readonly domain: string;
  readonly sql: string;
}

/** Records every statement that stores prepare on the connection from now on, each text once. */
export function recordStatements(connection: Connection): () => PreparedStatement[] {
  const recorded = new Map<string, PreparedStatement>();
  connection.onPrepare((sql, domain) => {
    if (domain !== undefined) recorded.set(sql, { domain, sql });
  });
  return () => [...recorded.values()];
}

/** The lines of EXPLAIN QUERY PLAN, as `SEARCH t USING INDEX i (a=?)`. https://sqlite.org/eqp.html */
export function queryPlan(connection: Connection, sql: string): string[] {
  return connection
    .prepare<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
    .all(...new Array<null>(countParameters(sql)).fill(null))
    .map(({ detail }) => detail);
}

/** Scans that read no table: constant rows, and table-valued functions as json_each. */
const SCANS_NOTHING = /^SCAN (CONSTANT ROW|\d+ CONSTANT ROWS?|.* VIRTUAL TABLE .*)$/;

const SCAN = /^SCAN /;
const SORT = /TEMP B-TREE/;
/** An index that SQLite would build for each run, since the schema has none that fits. */
const AUTOMATIC = /AUTOMATIC (PARTIAL )?(COVERING )?INDEX/;

/** What {@link assertQueryPlans} takes. */
export interface QueryPlanExpectations {
  /**
   * Plan lines, exactly, that would be faults and are meant: an index that is walked in its order until a LIMIT, the
   * count of a whole table. Each must occur, so that the list stays true.
   */
  readonly meant?: readonly string[];
}

/** Every statement finds its rows by an index and gives them in the index's order. */
export function assertQueryPlans(
  connection: Connection,
  statements: readonly PreparedStatement[],
  { meant = [] }: QueryPlanExpectations = {},
): void {
  assert.ok(statements.length > 0, 'no statement was prepared');
  const seen = new Set<string>();
  for (const { sql } of statements) {
    for (const line of queryPlan(connection, sql)) {
      seen.add(line);
      if (meant.includes(line)) continue;
      const isFault = (SCAN.test(line) && !SCANS_NOTHING.test(line)) || SORT.test(line) || AUTOMATIC.test(line);
      assert.ok(!isFault, `${line}\nin the plan of ${sql}`);
    }
  }
  assert.deepEqual(
    meant.filter((line) => !seen.has(line)),
    [],
    'plan lines that no statement has',
  );
}
