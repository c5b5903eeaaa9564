import type { ImportContext, Origin, Steps } from './import-context.ts';
import { Memory } from './memory.ts';
import type { Outcome } from './receipt.ts';
import { readRows, setAside } from './row-import.ts';

/** The table of counted calls, since version 3 of mesh.db. */
export const BUDGET_COUNTERS = {
  table: 'budget_counters',
  key: ['agent_id', 'bucket_minute'],
  columns: ['agent_id', 'bucket_minute', 'call_count'],
  laterColumns: [],
};

/**
 * Imports the calls counted per minute. Calls that the older code has counted since the last import are added to the
 * count in dork.db. At the first import, the larger of the two counts is kept.
 *
 * @param table The older table.
 * @param countColumn The column with the count.
 */
export function* importBuckets(context: ImportContext, table: string, countColumn: string, origin: Origin): Steps {
  const { connection, isDryRun, tally } = context;
  const memory = new Memory(context, 'bucket', origin);
  const find = connection.prepare<{ count: number }>(
    'SELECT count FROM main.rate_limit_buckets WHERE agent_id = ? AND bucket_minute = ?',
  );
  const put = connection.prepare(
    `INSERT INTO main.rate_limit_buckets (agent_id, bucket_minute, count) VALUES (?, ?, ?)
     ON CONFLICT (agent_id, bucket_minute) DO UPDATE SET count = excluded.count`,
  );
  for (const { row, values } of readRows(context, table, ['agent_id', 'bucket_minute', countColumn])) {
    const { agent_id: agent = null, bucket_minute: minute = null, [countColumn]: calls = null } = values;
    const problem = problemOf(agent, minute, calls, countColumn);
    if (problem) setAside(context, table, row, agent, problem);
    else {
      const id = JSON.stringify([agent, minute]);
      const taken = memory.recall(id);
      const there = taken?.isPlanned ? Number(taken.state) : find.get(agent, minute)?.count;
      const before = taken && Number(taken.state);
      const decision = decide(Number(calls), there, before);
      const outcome = taken?.isBetter && there !== undefined ? 'alreadyThere' : decision.outcome;
      tally.add(table, outcome);
      if (outcome !== 'alreadyThere' && outcome !== 'deletedSince' && !isDryRun) put.run(agent, minute, decision.count);
      const isNew = before !== calls || (context.hasSeveralReleases && taken?.isFromOlder);
      if (!taken?.isBetter && outcome !== 'deletedSince' && isNew) memory.remember(id, String(calls));
    }
    yield;
  }
}

interface Decision {
  readonly outcome: Outcome;
  readonly count: number;
}

/** @param taken The count at the last import. */
function decide(calls: number, there: number | undefined, taken: number | undefined): Decision {
  if (there === undefined) return { outcome: taken === undefined ? 'imported' : 'deletedSince', count: calls };
  const count = taken === undefined ? Math.max(there, calls) : there + Math.max(0, calls - taken);
  return { outcome: count > there ? 'updated' : 'alreadyThere', count };
}

function problemOf(agent: unknown, minute: unknown, calls: unknown, countColumn: string): string | undefined {
  if (agent === null) return 'agent_id is missing';
  if (typeof agent !== 'string') return 'agent_id must be text';
  if (!Number.isSafeInteger(minute)) return 'bucket_minute must be an integer';
  if (!Number.isSafeInteger(calls)) return `${countColumn} must be an integer`;
  return undefined;
}
