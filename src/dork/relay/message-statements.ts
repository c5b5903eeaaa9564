import { and, desc, eq, gt, lt, type SQL, sql } from 'drizzle-orm/sql';
import type { StoreDb } from '../../engine/connection/db.ts';
import { columnsOf, type StoreStatement, statementsOf, totalsOf } from '../../stores/statements.ts';
import { OPTIONAL_COLUMNS } from './message.ts';
import { type RelayIndexRow, relayCounts, relayIndex } from './schema.ts';

const statement = statementsOf('relay');
const arg = sql.placeholder;

export const messageColumns = () => columnsOf(relayIndex);

/** The number of a subject's messages by status and in total. */
export interface SubjectCounts {
  subject: string;
  count: number;
  pending: number;
  delivered: number;
  failed: number;
}

/** Prepares the statements for single messages, for messages of a subject or endpoint, and for counts. */
export function messageStatements(db: StoreDb) {
  const isId = eq(relayIndex.id, arg('id'));
  const isRow = and(isId, eq(relayIndex.endpointHash, arg('endpointHash')));
  const hasExpired = lt(relayIndex.expiresAt, arg('now'));
  const messages = (where: SQL | undefined) => db.select(messageColumns()).from(relayIndex).where(where);
  const setStatus = (where: SQL | undefined, ...names: string[]) =>
    statement(
      db,
      () =>
        db
          .update(relayIndex)
          .set({ status: sql`${arg('status')}` })
          .where(where),
      'status',
      ...names,
    );
  const total = totalsOf('relay', db, relayIndex);
  const { subject, pending, delivered, failed } = relayCounts;
  const counted = sql`${pending} + ${delivered} + ${failed}`;

  return {
    byId: statement<RelayIndexRow>(db, () => messages(isId).orderBy(relayIndex.endpointHash), 'id'),
    atEndpoint: statement<RelayIndexRow>(db, () => messages(isRow), 'id', 'endpointHash'),
    bySubject: statement<RelayIndexRow>(
      db,
      () =>
        messages(eq(relayIndex.subject, arg('subject'))).orderBy(desc(relayIndex.id), desc(relayIndex.endpointHash)),
      'subject',
    ),
    byEndpoint: statement<RelayIndexRow>(
      db,
      () => messages(eq(relayIndex.endpointHash, arg('endpointHash'))).orderBy(desc(relayIndex.id)),
      'endpointHash',
    ),
    ofSenderSince: total(
      and(eq(relayIndex.sender, arg('sender')), gt(relayIndex.createdAt, arg('since'))),
      'sender',
      'since',
    ),
    // The status is part of the text: for a bound status, SQLite could not use the partial index.
    pendingOfEndpoint: total(
      sql`${eq(relayIndex.endpointHash, arg('endpointHash'))} and ${relayIndex.status} = 'pending'`,
      'endpointHash',
    ),
    counts: statement<SubjectCounts>(db, () =>
      db
        .select({ ...columnsOf(relayCounts), count: counted.as('count') })
        .from(relayCounts)
        .where(sql`${counted} > 0`)
        .orderBy(desc(counted), subject),
    ),

    setStatus: setStatus(isId, 'id'),
    setStatusAtEndpoint: setStatus(isRow, 'id', 'endpointHash'),
    anyExpired: statement(
      db,
      () =>
        db
          .select({ found: sql`1`.as('found') })
          .from(relayIndex)
          .where(hasExpired)
          .limit(1),
      'now',
    ),
    deleteExpired: statement(db, () => db.delete(relayIndex).where(hasExpired), 'now'),
    /** Deletes the counters of subjects without messages, which remain at zero. */
    deleteEmptyCounts: statement(db, () => db.delete(relayCounts).where(sql`${counted} = 0`)),
    upserts: new MessageUpserts(db),
  };
}

/**
 * The upserts of a message, one for each set of optional columns that an input has had so far. A column that the input
 * does not have must not be named, so that the value of an existing row is kept.
 */
class MessageUpserts {
  readonly #db: StoreDb;
  readonly #byPresence: StoreStatement[] = [];

  constructor(db: StoreDb) {
    this.#db = db;
  }

  for(present: number): StoreStatement {
    this.#byPresence[present] ??= this.#prepare(present);
    return this.#byPresence[present];
  }

  #prepare(present: number): StoreStatement {
    const { id, subject, endpointHash } = relayIndex;
    const excluded = (column: { name: string }) => sql`excluded.${sql.identifier(column.name)}`;
    const given = OPTIONAL_COLUMNS.filter((_, i) => present & (1 << i));
    return statement(
      this.#db,
      () =>
        this.#db
          .insert(relayIndex)
          .values({
            id: arg('id'),
            subject: arg('subject'),
            endpointHash: arg('endpointHash'),
            sender: arg('sender'),
            status: sql`${arg('status')}`,
            expiresAt: arg('expiresAt'),
            payload: arg('payload'),
            metadata: arg('metadata'),
            createdAt: arg('createdAt'),
          })
          .onConflictDoUpdate({
            target: [id, endpointHash],
            set: {
              subject: excluded(subject),
              ...Object.fromEntries(given.map((name) => [name, excluded(relayIndex[name])])),
            },
          }),
      'id',
      'subject',
      'endpointHash',
      ...OPTIONAL_COLUMNS,
    );
  }
}
