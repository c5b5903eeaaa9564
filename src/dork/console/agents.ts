import type { Block } from '../../engine/console/blocks.ts';
import type { Look, View } from '../../engine/console/view.ts';
import type { Db } from '../db.ts';
import { callFigures } from '../figures/call-figures.ts';
import { AgentRegistry, computeHealthStatus, DenialList } from '../mesh/index.ts';
import { EVERY_MS, status } from './common.ts';

const LISTED = 100;
const LINES = 6;
const MINUTE_MS = 60_000;

/** The agents: when each was last seen, its calls in the last hour with its budget, and the denials. */
export const agentsView: View = {
  name: 'agents',
  title: 'Agents',
  everyMs: EVERY_MS,
  read: (look) => {
    const { totalAgents, activeCount, inactiveCount, staleCount } = new AgentRegistry(
      look.db as Db,
    ).getAggregateStats();
    const rows = agentsOf(look);
    const names = new Map(rows.map(({ id, name }) => [id, name]));
    const calls = callFigures(look.db);
    const denials = new DenialList(look.db as Db).list();
    return [
      {
        kind: 'facts',
        facts: [
          { name: 'Agents', value: totalAgents, unit: 'count' },
          { name: 'Seen in 5 minutes', value: activeCount, unit: 'count' },
          { name: 'In 30 minutes', value: inactiveCount, unit: 'count' },
          { name: 'Seen earlier or never', value: staleCount, unit: 'count' },
          { name: 'Denied paths', value: denials.length, unit: 'count' },
        ],
      },
      {
        kind: 'chart',
        title: 'Calls by minute, last hour',
        unit: 'count',
        series: calls.slice(0, LINES).map(({ agentId, minutes }) => ({
          name: names.get(agentId) ?? agentId,
          points: everyMinute(minutes),
        })),
      },
      agentTable(rows, new Map(calls.map(({ agentId, count }) => [agentId, count]))),
      {
        kind: 'table',
        title: 'Denials',
        columns: [{ name: 'path', unit: 'code' }, { name: 'by' }, { name: 'reason' }, { name: 'since', unit: 'time' }],
        rows: denials
          .slice(0, LISTED)
          .map(({ path, deniedBy, reason, deniedAt }) => [path, deniedBy, reason ?? null, deniedAt]),
        empty: 'There are no denials.',
      },
    ];
  },
};

interface AgentRow {
  readonly id: string;
  readonly name: string;
  readonly runtime: string;
  readonly namespace: string;
  readonly lastSeenAt: string | null;
  readonly lastSeenEvent: string | null;
  readonly most: number | null;
}

/** Reads the newest agents. The registry's list would read every agent with its manifest. */
function agentsOf({ db }: Look): AgentRow[] {
  return db.$client
    .prepare<AgentRow>(
      `SELECT id, name, runtime, namespace, last_seen_at AS lastSeenAt, last_seen_event AS lastSeenEvent,
         CASE WHEN json_valid(budget_json) THEN json_extract(budget_json, '$.maxCallsPerHour') END AS most
       FROM agents INDEXED BY agents_registered ORDER BY registered_at DESC, rowid DESC LIMIT ${LISTED}`,
    )
    .all();
}

function agentTable(rows: readonly AgentRow[], calls: ReadonlyMap<string, number>): Block {
  return {
    kind: 'table',
    title: 'Agents',
    columns: [
      { name: 'agent' },
      { name: 'health' },
      { name: 'last seen', unit: 'time' },
      { name: 'with' },
      { name: 'calls, last hour', unit: 'count' },
      { name: 'budget', unit: 'count' },
      { name: 'runtime' },
      { name: 'namespace' },
    ],
    rows: rows.map((row) => {
      const used = calls.get(row.id) ?? 0;
      const isSpent = row.most !== null && used >= row.most;
      return [
        row.name,
        status(computeHealthStatus(row.lastSeenAt)),
        row.lastSeenAt,
        row.lastSeenEvent,
        isSpent ? { value: used, tone: 'warning' } : used,
        row.most,
        row.runtime,
        row.namespace,
      ];
    }),
    empty: 'No agent is registered.',
    note: rows.length === LISTED ? `The ${LISTED} agents that registered last.` : undefined,
  };
}

/** Adds the minutes without a call as 0, so that the chart has no gap. */
function everyMinute(minutes: readonly { readonly at: string; readonly count: number }[]): [number, number][] {
  const counts = new Map(minutes.map(({ at, count }) => [Date.parse(at), count]));
  const now = Math.floor(Date.now() / MINUTE_MS);
  return Array.from({ length: 61 }, (_, i) => {
    const at = (now - 60 + i) * MINUTE_MS;
    return [at, counts.get(at) ?? 0];
  });
}
