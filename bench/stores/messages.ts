import { and, count, desc, eq, gt, isNotNull, lt, type SQL } from 'drizzle-orm';
import { type RelayIndexRow, relayIndex } from '../../src/dork/relay/schema.ts';
import { type BareValue, bareId } from '../harness/bare.ts';
import type { Operation } from '../harness/compare.ts';
import type { Arms } from './arms.ts';
import { changesOf } from './builder.ts';
import { endpointOf, idOf, instantOf, PENDING, RARE_ENDPOINT, RARE_SUBJECT, senderOf, subjectOf } from './fill.ts';
import { messageOf, newMessage, pageOf, type Row } from './message.ts';

const COLUMNS = `id, subject, endpoint_hash AS endpointHash, status, created_at AS createdAt, expires_at AS expiresAt,
  sender, payload, metadata`;

/** The filters of queryMessages(); a rare endpoint has 20 messages, among the oldest. */
const PAGES: readonly { name: string; filter: Record<string, string>; column: string }[] = [
  { name: 'subject', filter: { subject: subjectOf(5) }, column: 'subject' },
  { name: 'status', filter: { status: 'failed' }, column: 'status' },
  { name: 'sender', filter: { sender: senderOf(5) }, column: 'sender' },
  { name: 'endpoint', filter: { endpointHash: endpointOf(5) }, column: 'endpoint_hash' },
  { name: 'rare endpoint', filter: { endpointHash: RARE_ENDPOINT }, column: 'endpoint_hash' },
];
const FIELD = {
  subject: relayIndex.subject,
  status: relayIndex.status,
  sender: relayIndex.sender,
  endpoint_hash: relayIndex.endpointHash,
  id: relayIndex.id,
};

/** The operations of SqliteIndex. */
export function messageOperations({ pkg, db, bare, builder, rows }: Arms): Operation[] {
  const index = new pkg.SqliteIndex(db);
  const id = (i: number) => idOf((i * 7919) % rows);
  /** What a relay asks for: `id` takes any message of the file, which for a large one is a read past the page cache. */
  const newest = (i: number) => idOf(rows - 1 - ((i * 7919) % Math.min(rows, PENDING)));
  /** An hour before the newest message. */
  const since = instantOf(Math.max(0, rows - 3600));

  const byId = bare.prepare(`SELECT ${COLUMNS} FROM relay_index WHERE id = ?`);
  const upsert = bare.prepare(
    `INSERT INTO relay_index (id, subject, sender, endpoint_hash, status, expires_at, payload, metadata, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id, endpoint_hash) DO UPDATE SET subject = excluded.subject,
       sender = coalesce(excluded.sender, sender), status = excluded.status,
       expires_at = coalesce(excluded.expires_at, expires_at), payload = coalesce(excluded.payload, payload),
       metadata = coalesce(excluded.metadata, metadata), created_at = excluded.created_at`,
  );
  const setStatus = bare.prepare('UPDATE relay_index SET status = ? WHERE id = ?');
  const ofSubject = bare.prepare(
    `SELECT ${COLUMNS} FROM relay_index WHERE subject = ? ORDER BY id DESC, endpoint_hash DESC`,
  );
  const ofEndpoint = bare.prepare(`SELECT ${COLUMNS} FROM relay_index WHERE endpoint_hash = ? ORDER BY id DESC`);
  const sent = bare.prepare('SELECT count(*) AS n FROM relay_index WHERE sender = ? AND created_at > ?');
  const waiting = bare.prepare("SELECT count(*) AS n FROM relay_index WHERE endpoint_hash = ? AND status = 'pending'");
  const expire = bare.prepare('DELETE FROM relay_index WHERE expires_at IS NOT NULL AND expires_at < ?');
  const counts = bare.prepare(
    'SELECT subject, pending, delivered, failed, pending + delivered + failed AS count FROM relay_counts WHERE pending + delivered + failed > 0 ORDER BY 5 DESC, 1',
  );

  const bareInsert = (i: number) => {
    const m = newMessage(i);
    upsert.run(m.id, m.subject, m.sender, m.endpointHash, m.status, m.expiresAt, m.payload, null, m.createdAt);
  };
  const bareMetrics = () => {
    const sums = { pending: 0, delivered: 0, failed: 0 };
    const bySubject: { subject: string; count: number }[] = [];
    let totalMessages = 0;
    for (const row of counts.all() as ({ subject: string; count: number } & typeof sums)[]) {
      sums.pending += row.pending;
      sums.delivered += row.delivered;
      sums.failed += row.failed;
      totalMessages += row.count;
      bySubject.push({ subject: row.subject, count: row.count });
    }
    const byStatus = Object.fromEntries(Object.entries(sums).filter(([, n]) => n > 0));
    return { totalMessages, byStatus, bySubject };
  };
  const select = (where: SQL | undefined, limit?: number) => {
    const query = builder
      .select()
      .from(relayIndex)
      .where(where)
      .orderBy(desc(relayIndex.id), desc(relayIndex.endpointHash));
    return (limit === undefined ? query : query.limit(limit)).all() as (RelayIndexRow & Row)[];
  };

  const page = (name: string, filter: Record<string, string>, where: string, condition: SQL | undefined): Operation => {
    const statement = bare.prepare(
      `SELECT ${COLUMNS} FROM relay_index ${where} ORDER BY id DESC, endpoint_hash DESC LIMIT 51`,
    );
    const values: BareValue[] = Object.values(filter);
    return {
      name,
      kind: 'read',
      arms: {
        ours: () => index.queryMessages(filter),
        bare: () => pageOf(statement.all(...values) as Row[]),
        builder: () => pageOf(select(condition, 51)),
      },
    };
  };
  const cursor = idOf(Math.floor(rows / 2));

  return [
    {
      name: 'newId (goal: a fifth of getMessage)',
      kind: 'read',
      comparable: (id) => String(id).length,
      arms: { ours: () => pkg.newId(), bare: bareId },
    },
    {
      name: 'getMessage',
      kind: 'read',
      arms: {
        ours: (i) => index.getMessage(id(i)),
        bare: (i) => messageOf(byId.get(id(i)) as Row),
        builder: (i) =>
          messageOf(
            builder
              .select()
              .from(relayIndex)
              .where(eq(relayIndex.id, id(i)))
              .get() as Row,
          ),
      },
    },
    {
      name: 'getMessage, among the newest',
      kind: 'read',
      arms: {
        ours: (i) => index.getMessage(newest(i)),
        bare: (i) => messageOf(byId.get(newest(i)) as Row),
        builder: (i) =>
          messageOf(
            builder
              .select()
              .from(relayIndex)
              .where(eq(relayIndex.id, newest(i)))
              .get() as Row,
          ),
      },
    },
    {
      name: 'getBySubject, 20',
      kind: 'read',
      arms: {
        ours: () => index.getBySubject(RARE_SUBJECT),
        bare: () => (ofSubject.all(RARE_SUBJECT) as Row[]).map(messageOf),
        builder: () => select(eq(relayIndex.subject, RARE_SUBJECT)).map(messageOf),
      },
    },
    {
      name: 'getByEndpoint, 20',
      kind: 'read',
      arms: {
        ours: () => index.getByEndpoint(RARE_ENDPOINT),
        bare: () => (ofEndpoint.all(RARE_ENDPOINT) as Row[]).map(messageOf),
        builder: () => select(eq(relayIndex.endpointHash, RARE_ENDPOINT)).map(messageOf),
      },
    },
    {
      name: 'countSenderInWindow',
      kind: 'read',
      arms: {
        ours: (i) => index.countSenderInWindow(senderOf(i), since),
        bare: (i) => (sent.get(senderOf(i), since) as { n: number }).n,
        builder: (i) =>
          builder
            .select({ n: count() })
            .from(relayIndex)
            .where(and(eq(relayIndex.sender, senderOf(i)), gt(relayIndex.createdAt, since)))
            .get()?.n,
      },
    },
    {
      name: 'countNewByEndpoint',
      kind: 'read',
      arms: {
        ours: (i) => index.countNewByEndpoint(endpointOf(i)),
        bare: (i) => (waiting.get(endpointOf(i)) as { n: number }).n,
        builder: (i) =>
          builder
            .select({ n: count() })
            .from(relayIndex)
            .where(and(eq(relayIndex.endpointHash, endpointOf(i)), eq(relayIndex.status, 'pending')))
            .get()?.n,
      },
    },
    page('queryMessages(50)', {}, '', undefined),
    page('queryMessages(50), cursor', { cursor }, 'WHERE id < ?', lt(relayIndex.id, cursor)),
    ...PAGES.map(({ name, filter, column }) =>
      page(
        `queryMessages(50), ${name}`,
        filter,
        `WHERE ${column} = ?`,
        eq(FIELD[column as keyof typeof FIELD], Object.values(filter)[0] ?? ''),
      ),
    ),
    {
      name: 'deleteExpired, none expired',
      kind: 'read',
      arms: {
        ours: () => index.deleteExpired(),
        bare: () => expire.run(new Date().toISOString()).changes,
        builder: () =>
          changesOf(
            builder
              .delete(relayIndex)
              .where(and(isNotNull(relayIndex.expiresAt), lt(relayIndex.expiresAt, new Date().toISOString())))
              .run(),
          ),
      },
    },
    {
      name: 'index getMetrics',
      kind: 'read',
      comparable: (result) => {
        const { bySubject, ...rest } = result as ReturnType<typeof bareMetrics>;
        return { ...rest, bySubject: bySubject.toSorted((a, b) => (a.subject < b.subject ? -1 : 1)) };
      },
      arms: { ours: () => index.getMetrics(), bare: bareMetrics },
    },
    {
      name: 'insertMessage',
      kind: 'write',
      comparable: () => undefined,
      arms: {
        ours: (i) => index.insertMessage(newMessage(i)),
        bare: bareInsert,
        builder: (i) => {
          const { id: _, endpointHash: __, ...set } = newMessage(i);
          const target = [relayIndex.id, relayIndex.endpointHash];
          builder.insert(relayIndex).values(newMessage(i)).onConflictDoUpdate({ target, set }).run();
        },
      },
    },
    {
      name: 'updateStatus',
      kind: 'write',
      arms: {
        ours: (i) => index.updateStatus(id(i), i % 2 ? 'delivered' : 'failed'),
        bare: (i) => setStatus.run(i % 2 ? 'delivered' : 'failed', id(i)).changes > 0,
        builder: (i) =>
          changesOf(
            builder
              .update(relayIndex)
              .set({ status: i % 2 ? 'delivered' : 'failed' })
              .where(eq(relayIndex.id, id(i)))
              .run(),
          ) > 0,
      },
    },
  ];
}
