import { realpathSync } from 'node:fs';
import { and, between, desc, eq, lt, sql } from 'drizzle-orm';
import { type AgentRow, agentDenials, agents, rateLimitBuckets } from '../../src/dork/mesh/schema.ts';
import type { Operation } from '../harness/compare.ts';
import type { Arms } from './arms.ts';
import { changesOf } from './builder.ts';
import { AGENTS, agentOf, instantOf } from './fill.ts';

const COLUMNS = `id, name, description, runtime, project_path AS projectPath, namespace,
  capabilities_json AS capabilities, behavior_json AS behaviorJson, budget_json AS budgetJson,
  manifest_extra_json AS manifestExtraJson, scan_root AS scanRoot, entrypoint, version, approver, status,
  registered_at AS registeredAt`;

type Row = Omit<AgentRow, 'updatedAt' | 'lastSeenAt' | 'lastSeenEvent'>;

/** The entry of a row, by hand. */
function entryOf(row: Row) {
  const entry: Record<string, unknown> = {
    id: row.id,
    name: row.name,
    description: row.description ?? '',
    runtime: row.runtime,
    capabilities: JSON.parse(row.capabilities),
    behavior: JSON.parse(row.behaviorJson),
    budget: JSON.parse(row.budgetJson),
    namespace: row.namespace,
    registeredAt: row.registeredAt,
    registeredBy: row.approver ?? '',
    projectPath: row.projectPath,
    scanRoot: row.scanRoot,
  };
  if (row.entrypoint !== null) entry.entrypoint = row.entrypoint;
  if (row.version !== null) entry.version = row.version;
  if (row.status !== 'active') entry.status = row.status;
  return row.manifestExtraJson === null ? entry : { ...JSON.parse(row.manifestExtraJson), ...entry };
}

const ACTIVE_MS = 5 * 60_000;
const INACTIVE_MS = 30 * 60_000;

function statsOf(total: number, active: number, recent: number) {
  return { totalAgents: total, activeCount: active, inactiveCount: recent - active, staleCount: total - recent };
}

const minuteNow = () => Math.floor(Date.now() / 60_000);

/** More calls than a bucket ever gets here. */
const MAX_CALLS = 1_000_000_000;

/** The operations of AgentRegistry, DenialList and BudgetMapper. */
export function agentOperations({ pkg, db, bare, builder }: Arms): Operation[] {
  const registry = new pkg.AgentRegistry(db);
  const denials = new pkg.DenialList(db);
  const budgets = new pkg.BudgetMapper(db);

  const byId = bare.prepare(`SELECT ${COLUMNS} FROM agents WHERE id = ?`);
  const list = bare.prepare(`SELECT ${COLUMNS} FROM agents ORDER BY registered_at DESC, rowid DESC`);
  const ofRuntime = bare.prepare(
    `SELECT ${COLUMNS} FROM agents WHERE runtime = ? ORDER BY registered_at DESC, rowid DESC`,
  );
  const stats = bare.prepare(
    'SELECT count(*) AS total, count(*) FILTER (WHERE last_seen_at > ?) AS active, count(*) FILTER (WHERE last_seen_at > ?) AS recent FROM agents',
  );
  const seen = bare.prepare('UPDATE agents SET last_seen_at = ?, last_seen_event = ? WHERE id = ?');
  const denied = bare.prepare('SELECT 1 AS found FROM agent_denials WHERE path IN (?, ?)');
  const used = bare.prepare(
    'SELECT coalesce(sum(count), 0) AS used FROM rate_limit_buckets WHERE agent_id = ? AND bucket_minute BETWEEN ? AND ?',
  );
  const record = bare.prepare(
    'INSERT INTO rate_limit_buckets (agent_id, bucket_minute, count) VALUES (?, ?, 1) ON CONFLICT (agent_id, bucket_minute) DO UPDATE SET count = count + 1',
  );
  const prune = bare.prepare('DELETE FROM rate_limit_buckets WHERE bucket_minute < ?');
  const begin = bare.prepare('BEGIN IMMEDIATE');
  const commit = bare.prepare('COMMIT');
  const rollback = bare.prepare('ROLLBACK');

  let prunedIn = 0;
  const bareUsed = (agent: string, minute: number) =>
    (used.get(agent, minute - 60, minute + 60) as { used: number }).used;
  const bareCheck = (agent: string, max: number) => {
    const minute = minuteNow();
    if (minute !== prunedIn) {
      prune.run(minute - 120);
      prunedIn = minute;
    }
    const calls = bareUsed(agent, minute);
    return calls < max ? { allowed: true, remaining: max - calls } : { allowed: false, used: calls };
  };
  const bareTry = (agent: string, max: number) => {
    begin.run();
    try {
      const minute = minuteNow();
      const calls = bareUsed(agent, minute);
      if (calls < max) record.run(agent, minute);
      commit.run();
      return calls < max ? { allowed: true, remaining: max - calls - 1 } : { allowed: false, used: calls };
    } catch (error) {
      rollback.run();
      throw error;
    }
  };
  const builderUsed = (agent: string, minute: number, of: Pick<typeof builder, 'select'> = builder) =>
    of
      .select({ used: sql<number>`coalesce(sum(${rateLimitBuckets.count}), 0)` })
      .from(rateLimitBuckets)
      .where(and(eq(rateLimitBuckets.agentId, agent), between(rateLimitBuckets.bucketMinute, minute - 60, minute + 60)))
      .get()?.used ?? 0;
  const builderRecord = (agent: string, of: Pick<typeof builder, 'insert'> = builder) =>
    of
      .insert(rateLimitBuckets)
      .values({ agentId: agent, bucketMinute: minuteNow(), count: 1 })
      .onConflictDoUpdate({
        target: [rateLimitBuckets.agentId, rateLimitBuckets.bucketMinute],
        set: { count: sql`${rateLimitBuckets.count} + 1` },
      })
      .run();

  return [
    {
      name: 'agent get',
      kind: 'read',
      arms: {
        ours: (i) => registry.get(agentOf(i)),
        bare: (i) => entryOf(byId.get(agentOf(i)) as Row),
        builder: (i) =>
          entryOf(
            builder
              .select()
              .from(agents)
              .where(eq(agents.id, agentOf(i)))
              .get() as Row,
          ),
      },
    },
    {
      name: `agent list, ${AGENTS}`,
      kind: 'read',
      arms: {
        ours: () => registry.list(),
        bare: () => (list.all() as Row[]).map(entryOf),
        builder: () =>
          builder.select().from(agents).orderBy(desc(agents.registeredAt), desc(sql`rowid`)).all().map(entryOf),
      },
    },
    {
      name: 'agent list of a runtime',
      kind: 'read',
      arms: {
        ours: () => registry.list({ runtime: 'cursor' }),
        bare: () => (ofRuntime.all('cursor') as Row[]).map(entryOf),
        builder: () =>
          builder
            .select()
            .from(agents)
            .where(eq(agents.runtime, 'cursor'))
            .orderBy(desc(agents.registeredAt), desc(sql`rowid`))
            .all()
            .map(entryOf),
      },
    },
    {
      name: `agent stats of ${AGENTS}`,
      kind: 'read',
      arms: {
        ours: () => registry.getAggregateStats(),
        bare: () => {
          const at = Date.now();
          const row = stats.get(new Date(at - ACTIVE_MS).toISOString(), new Date(at - INACTIVE_MS).toISOString());
          const { total, active, recent } = row as { total: number; active: number; recent: number };
          return statsOf(total, active, recent);
        },
        builder: () => {
          const at = Date.now();
          const ages = builder
            .select({ lastSeenAt: agents.lastSeenAt })
            .from(agents)
            .all()
            .map(({ lastSeenAt }) => (lastSeenAt === null ? Number.POSITIVE_INFINITY : at - Date.parse(lastSeenAt)));
          return statsOf(
            ages.length,
            ages.filter((age) => age < ACTIVE_MS).length,
            ages.filter((age) => age < INACTIVE_MS).length,
          );
        },
      },
    },
    {
      name: 'isDenied',
      kind: 'read',
      arms: {
        ours: () => denials.isDenied('/tmp'),
        bare: () => denied.get(realpathSync.native('/tmp'), '/tmp') != null,
        builder: () =>
          builder
            .select({ path: agentDenials.path })
            .from(agentDenials)
            .where(eq(agentDenials.path, realpathSync.native('/tmp')))
            .get() !== undefined,
      },
    },
    {
      name: 'checkBudget, 61 buckets',
      kind: 'read',
      arms: {
        ours: (i) => budgets.checkBudget(agentOf(i), MAX_CALLS),
        bare: (i) => bareCheck(agentOf(i), MAX_CALLS),
        builder: (i) => {
          const minute = minuteNow();
          builder
            .delete(rateLimitBuckets)
            .where(lt(rateLimitBuckets.bucketMinute, minute - 120))
            .run();
          const calls = builderUsed(agentOf(i), minute);
          return calls < MAX_CALLS ? { allowed: true, remaining: MAX_CALLS - calls } : { allowed: false, used: calls };
        },
      },
    },
    {
      name: 'updateHealth',
      kind: 'write',
      arms: {
        ours: (i) => registry.updateHealth(agentOf(i), instantOf(i), 'message_sent'),
        bare: (i) => seen.run(instantOf(i), 'message_sent', agentOf(i)).changes > 0,
        builder: (i) =>
          changesOf(
            builder
              .update(agents)
              .set({ lastSeenAt: instantOf(i), lastSeenEvent: 'message_sent' })
              .where(eq(agents.id, agentOf(i)))
              .run(),
          ) > 0,
      },
    },
    {
      name: 'recordCall',
      kind: 'write',
      comparable: () => undefined,
      arms: {
        ours: (i) => budgets.recordCall(agentOf(i)),
        bare: (i) => record.run(agentOf(i), minuteNow()),
        builder: (i) => builderRecord(agentOf(i)),
      },
    },
    {
      name: 'tryRecordCall',
      kind: 'write',
      arms: {
        ours: (i) => budgets.tryRecordCall(agentOf(i), MAX_CALLS),
        bare: (i) => bareTry(agentOf(i), MAX_CALLS),
        builder: (i) =>
          builder.transaction(
            (tx) => {
              const calls = builderUsed(agentOf(i), minuteNow(), tx);
              if (calls >= MAX_CALLS) return { allowed: false, used: calls };
              builderRecord(agentOf(i), tx);
              return { allowed: true, remaining: MAX_CALLS - calls - 1 };
            },
            { behavior: 'immediate' },
          ),
      },
    },
  ];
}
