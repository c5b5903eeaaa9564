import { type Dialect, Kysely, type SqliteDatabase, SqliteDialect, sql } from 'kysely';
import { checked, type MessageRow, type Peer, type PeerModule } from './peer.ts';

interface Tables {
  relay_index: {
    id: string;
    subject: string;
    sender: string | null;
    endpoint_hash: string;
    status: MessageRow['status'];
    expires_at: string | null;
    payload: string | null;
    metadata: string | null;
    created_at: string;
  };
  pulse_runs: {
    id: string;
    schedule_id: string;
    status: string;
    started_at: string;
    finished_at: string | null;
    duration_ms: number | null;
    output: string | null;
    error: string | null;
    session_id: string | null;
    trigger: string;
    created_at: string;
  };
  rate_limit_buckets: { agent_id: string; bucket_minute: number; count: number };
}

const MESSAGE = [
  'id',
  'subject',
  'sender',
  'endpoint_hash as endpointHash',
  'status',
  'expires_at as expiresAt',
  'payload',
  'metadata',
  'created_at as createdAt',
] as const;
const RUN = [
  'id',
  'schedule_id as scheduleId',
  'status',
  'started_at as startedAt',
  'finished_at as finishedAt',
  'duration_ms as durationMs',
  'output as outputSummary',
  'error',
  'session_id as sessionId',
  'trigger',
  'created_at as createdAt',
] as const;

async function dialectFor(path: string, pragmas: string): Promise<Dialect> {
  if (process.versions.bun) {
    const [{ Database }, { BunSqliteDialect }] = await Promise.all([import('bun:sqlite'), import('kysely-bun-sqlite')]);
    const database = new Database(path);
    database.exec(pragmas);
    return new BunSqliteDialect({ database });
  }
  const { default: Database } = await import('better-sqlite3');
  const database = new Database(path);
  database.exec(pragmas);
  return new SqliteDialect({ database: database as SqliteDatabase });
}

/** Kysely on better-sqlite3; on Bun, through kysely-bun-sqlite, on bun:sqlite. */
export const open: PeerModule['open'] = async (path, pragmas): Promise<Peer> => {
  const db = new Kysely<Tables>({ dialect: await dialectFor(path, pragmas) });
  return {
    getMessage: (id) => db.selectFrom('relay_index').select(MESSAGE).where('id', '=', id).executeTakeFirst(),
    newestMessages: (limit) =>
      db.selectFrom('relay_index').select(MESSAGE).orderBy('id', 'desc').limit(limit).execute(),
    putMessage: ({ endpointHash, expiresAt, createdAt, ...rest }) => {
      const { id, ...set } = { ...rest, expires_at: expiresAt, created_at: createdAt };
      return db
        .insertInto('relay_index')
        .values({ id, endpoint_hash: endpointHash, ...set })
        .onConflict((conflict) => conflict.columns(['id', 'endpoint_hash']).doUpdateSet(set))
        .execute();
    },
    updateStatus: async (id, status) => {
      const result = await db
        .updateTable('relay_index')
        .set({ status: status as MessageRow['status'] })
        .where('id', '=', id)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    newestRuns: (limit) => db.selectFrom('pulse_runs').select(RUN).orderBy('created_at', 'desc').limit(limit).execute(),
    createRun: (run) =>
      db
        .insertInto('pulse_runs')
        .values({
          id: run.id,
          schedule_id: run.scheduleId,
          status: run.status,
          started_at: run.startedAt,
          trigger: run.trigger,
          created_at: run.createdAt,
        })
        .returning(RUN)
        .executeTakeFirstOrThrow(),
    tryRecordCall: (agentId, minute, max) =>
      db.transaction().execute(async (tx) => {
        const { used } = await tx
          .selectFrom('rate_limit_buckets')
          .select(({ fn }) => fn.coalesce(fn.sum<number>('count'), sql<number>`0`).as('used'))
          .where('agent_id', '=', agentId)
          .where('bucket_minute', '>=', minute - 60)
          .where('bucket_minute', '<=', minute)
          .executeTakeFirstOrThrow();
        if (used < max) {
          await tx
            .insertInto('rate_limit_buckets')
            .values({ agent_id: agentId, bucket_minute: minute, count: 1 })
            .onConflict((conflict) =>
              conflict
                .columns(['agent_id', 'bucket_minute'])
                .doUpdateSet(({ eb }) => ({ count: eb('rate_limit_buckets.count', '+', 1) })),
            )
            .execute();
        }
        return checked(used, max);
      }),
    close: () => db.destroy(),
  };
};
