import { check, index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { isJson, oneOf } from '../../stores/columns.ts';

/** The statuses of an agent. */
export const AGENT_STATUSES = ['active', 'inactive', 'unreachable'] as const;

/** The agents that are registered, one a project. */
export const agents = sqliteTable(
  'agents',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    description: text('description'),
    /** claude-code, cursor, codex, other, and whatever comes. */
    runtime: text('runtime').notNull(),
    /** Absolute. */
    projectPath: text('project_path').notNull().unique(),
    namespace: text('namespace').notNull().default('default'),
    /** JSON array of strings, as text. */
    capabilities: text('capabilities_json').notNull().default('[]'),
    /** JSON object: responseMode, escalationThreshold. */
    behaviorJson: text('behavior_json').notNull().default('{"responseMode":"always"}'),
    /** JSON object: maxHopsPerMessage, maxCallsPerHour. */
    budgetJson: text('budget_json').notNull().default('{"maxHopsPerMessage":5,"maxCallsPerHour":100}'),
    /** JSON object: the keys of a manifest without a column, unchanged. */
    manifestExtraJson: text('manifest_extra_json'),
    scanRoot: text('scan_root').notNull().default(''),
    entrypoint: text('entrypoint'),
    version: text('version'),
    /** Who registered it: `registeredBy` of an entry. */
    approver: text('approver'),
    status: text('status', { enum: AGENT_STATUSES }).notNull().default('active'),
    lastSeenAt: text('last_seen_at'),
    lastSeenEvent: text('last_seen_event'),
    registeredAt: text('registered_at').notNull(),
    updatedAt: text('updated_at').notNull(),
  },
  (table) => [
    check('agents_status', oneOf('status', AGENT_STATUSES)),
    check('agents_capabilities_json', isJson('capabilities_json')),
    check('agents_behavior_json', isJson('behavior_json')),
    check('agents_budget_json', isJson('budget_json')),
    check('agents_manifest_extra_json', isJson('manifest_extra_json')),
    // The list, newest registration first: all, of a runtime, of a namespace.
    index('agents_registered').on(table.registeredAt),
    index('agents_runtime_registered').on(table.runtime, table.registeredAt),
    index('agents_namespace_registered').on(table.namespace, table.registeredAt),
  ],
);

/** The paths whose agents may not register. */
export const agentDenials = sqliteTable(
  'agent_denials',
  {
    id: text('id').primaryKey(),
    /** Canonical: without symbolic links. */
    path: text('path').notNull().unique(),
    strategy: text('strategy'),
    reason: text('reason'),
    denier: text('denier'),
    createdAt: text('created_at').notNull(),
  },
  (table) => [
    // The list, newest first.
    index('agent_denials_created').on(table.createdAt),
  ],
);

/** Calls of an agent, counted by the minute. */
export const rateLimitBuckets = sqliteTable(
  'rate_limit_buckets',
  {
    agentId: text('agent_id').notNull(),
    /** Minutes since the Unix epoch. */
    bucketMinute: integer('bucket_minute').notNull(),
    count: integer('count').notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.agentId, table.bucketMinute] }),
    // Buckets that are too old; a call that is counted in a bucket that is there does not touch it.
    index('rate_limit_buckets_minute').on(table.bucketMinute),
  ],
);

/** A row of `agents`: JSON columns as text. */
export type AgentRow = typeof agents.$inferSelect;
/** A row of `agent_denials`. */
export type AgentDenialRow = typeof agentDenials.$inferSelect;
/** A row of `rate_limit_buckets`. */
export type RateLimitBucketRow = typeof rateLimitBuckets.$inferSelect;
