import { and, desc, eq, type Placeholder, type SQL, sql } from 'drizzle-orm/sql';
import { getTableColumns } from 'drizzle-orm/utils';
import * as v from 'valibot';
import type { StoreDb } from '../../engine/connection/db.ts';
import { PatchStatements } from '../../stores/patch.ts';
import { columnsOf, type StoreStatement, statementsOf } from '../../stores/statements.ts';
import type { EntryRow, HealthRow } from './entry-row.ts';
import { agents } from './schema.ts';

const statement = statementsOf('mesh');
const arg = sql.placeholder;

/** Columns outside of an entry. */
const BESIDE_ENTRY = ['updatedAt', 'lastSeenAt', 'lastSeenEvent'];

/** The columns of an entry, in the order of the arguments of `insert`. */
export const ENTRY_COLUMNS = Object.keys(getTableColumns(agents)).filter(
  (name) => !BESIDE_ENTRY.includes(name),
) as (keyof EntryRow)[];

/** Of agents that registered at one instant, the one that was stored last is first. Every index ends with the rowid. */
const newestFirst = () => [desc(agents.registeredAt), desc(sql`rowid`)];

const isId = () => eq(agents.id, arg('id'));

/** The statements that read entries, with or without their health. */
interface Reading<T> {
  readonly byId: StoreStatement<T>;
  readonly all: StoreStatement<T>;
  readonly ofRuntime: StoreStatement<T>;
  readonly withCapability: StoreStatement<T>;
  readonly ofRuntimeWithCapability: StoreStatement<T>;
}

function reading<T>(db: StoreDb, columns: Partial<ReturnType<typeof columnsOf<typeof agents>>>): Reading<T> {
  const isOfRuntime = eq(agents.runtime, arg('runtime'));
  const hasCapability = sql`EXISTS (SELECT 1 FROM json_each(${agents.capabilities}) WHERE value = ${arg('capability')})`;
  const list = (where: SQL | undefined, ...names: string[]) =>
    statement<T>(
      db,
      () =>
        db
          .select(columns)
          .from(agents)
          .where(where)
          .orderBy(...newestFirst()),
      ...names,
    );
  return {
    byId: statement<T>(db, () => db.select(columns).from(agents).where(isId()), 'id'),
    all: list(undefined),
    ofRuntime: list(isOfRuntime, 'runtime'),
    withCapability: list(hasCapability, 'capability'),
    ofRuntimeWithCapability: list(and(isOfRuntime, hasCapability), 'runtime', 'capability'),
  };
}

/** How many agents there are, how many of them are active, and how many are not stale. */
interface HealthCounts {
  readonly total: number;
  readonly active: number;
  readonly recent: number;
}

/** Every statement on the agents. */
export function agentStatements(db: StoreDb) {
  const { updatedAt, ...withHealth } = columnsOf(agents);
  const { lastSeenAt, lastSeenEvent, ...entry } = withHealth;
  const each = Object.fromEntries(ENTRY_COLUMNS.map((name) => [name, arg(name)])) as Record<
    keyof EntryRow,
    Placeholder
  >;
  /** The id stays; what the rest of a patch holds was checked before. */
  const patched = Object.fromEntries(ENTRY_COLUMNS.filter((name) => name !== 'id').map((name) => [name, v.unknown()]));
  return {
    entries: {
      ...reading<EntryRow>(db, entry),
      byPath: statement<EntryRow>(
        db,
        () =>
          db
            .select(entry)
            .from(agents)
            .where(eq(agents.projectPath, arg('projectPath'))),
        'projectPath',
      ),
      ofNamespace: statement<EntryRow>(
        db,
        () =>
          db
            .select(entry)
            .from(agents)
            .where(eq(agents.namespace, arg('namespace')))
            .orderBy(...newestFirst()),
        'namespace',
      ),
    },
    health: reading<HealthRow>(db, withHealth),

    insert: statement(
      db,
      () => db.insert(agents).values({ ...each, updatedAt: arg('updatedAt') }),
      ...ENTRY_COLUMNS,
      'updatedAt',
    ),
    extra: statement<{ text: string | null }>(
      db,
      () =>
        db
          .select({ text: sql<string | null>`${agents.manifestExtraJson}`.as('text') })
          .from(agents)
          .where(isId()),
      'id',
    ),
    patch: new PatchStatements(patched, (set, names) =>
      statement(
        db,
        () =>
          db
            .update(agents)
            .set({ ...set, updatedAt: sql`${arg('updatedAt')}` })
            .where(isId()),
        ...names,
        'updatedAt',
        'id',
      ),
    ),
    seen: statement(
      db,
      () =>
        db
          .update(agents)
          .set({ lastSeenAt: sql`${arg('lastSeenAt')}`, lastSeenEvent: sql`${arg('lastSeenEvent')}` })
          .where(isId()),
      'lastSeenAt',
      'lastSeenEvent',
      'id',
    ),
    delete: statement(db, () => db.delete(agents).where(isId()), 'id'),

    /** The arguments: the instants after which an agent was seen that is active, and one that is not stale. */
    stats: statement<HealthCounts>(
      db,
      () =>
        db
          .select({
            total: sql`count(*)`.as('total'),
            active: sql`count(*) FILTER (WHERE ${agents.lastSeenAt} > ${arg('active')})`.as('active'),
            recent: sql`count(*) FILTER (WHERE ${agents.lastSeenAt} > ${arg('recent')})`.as('recent'),
          })
          .from(agents),
      'active',
      'recent',
    ),
  };
}
