import Database from 'better-sqlite3';
import { DataSource, EntitySchema } from 'typeorm';
import { checked, type MessageRow, type Peer, type PeerModule, type RunRow } from './peer.ts';

interface Bucket {
  agentId: string;
  bucketMinute: number;
  count: number;
}

const text = { type: 'text' } as const;
const nullable = { type: 'text', nullable: true } as const;

const Message = new EntitySchema<MessageRow>({
  name: 'Message',
  tableName: 'relay_index',
  columns: {
    id: { ...text, primary: true },
    subject: text,
    sender: nullable,
    endpointHash: { ...text, name: 'endpoint_hash', primary: true },
    status: text,
    expiresAt: { ...nullable, name: 'expires_at' },
    payload: nullable,
    metadata: nullable,
    createdAt: { ...text, name: 'created_at' },
  },
});
const Run = new EntitySchema<RunRow>({
  name: 'Run',
  tableName: 'pulse_runs',
  columns: {
    id: { ...text, primary: true },
    scheduleId: { ...text, name: 'schedule_id' },
    status: text,
    startedAt: { ...text, name: 'started_at' },
    finishedAt: { ...nullable, name: 'finished_at' },
    durationMs: { type: 'integer', name: 'duration_ms', nullable: true },
    outputSummary: { ...nullable, name: 'output' },
    error: nullable,
    sessionId: { ...nullable, name: 'session_id' },
    trigger: text,
    createdAt: { ...text, name: 'created_at' },
  },
});
const Buckets = new EntitySchema<Bucket>({
  name: 'Bucket',
  tableName: 'rate_limit_buckets',
  columns: {
    agentId: { ...text, name: 'agent_id', primary: true },
    bucketMinute: { type: 'integer', name: 'bucket_minute', primary: true },
    count: { type: 'integer' },
  },
});

/** TypeORM on better-sqlite3, on both runtimes: it has no driver for bun:sqlite. */
export const open: PeerModule['open'] = async (path, pragmas): Promise<Peer> => {
  const source = new DataSource({
    type: 'better-sqlite3',
    driver: Database,
    database: path,
    entities: [Message, Run, Buckets],
    prepareDatabase: (database: { exec(sql: string): unknown }) => void database.exec(pragmas),
  });
  await source.initialize();
  const messages = source.getRepository(Message);
  const runs = source.getRepository(Run);
  return {
    getMessage: (id) => messages.findOneBy({ id }),
    newestMessages: (take) => messages.find({ order: { id: 'DESC' }, take }),
    putMessage: (message) => messages.upsert(message, ['id', 'endpointHash']),
    updateStatus: async (id, status) =>
      ((await messages.update({ id }, { status: status as MessageRow['status'] })).affected ?? 0) > 0,
    newestRuns: (take) => runs.find({ order: { createdAt: 'DESC' }, take }),
    createRun: async (run) => {
      await runs.insert(run);
      return run;
    },
    tryRecordCall: (agentId, minute, max) =>
      source.transaction(async (manager) => {
        const row = await manager
          .createQueryBuilder(Buckets, 'bucket')
          .select('coalesce(sum(bucket.count), 0)', 'used')
          .where('bucket.agentId = :agentId AND bucket.bucketMinute BETWEEN :from AND :minute', {
            agentId,
            from: minute - 60,
            minute,
          })
          .getRawOne<{ used: number }>();
        const used = row?.used ?? 0;
        if (used < max) {
          // Its builder cannot say "one more" where the row is there.
          await manager.query(
            `INSERT INTO rate_limit_buckets (agent_id, bucket_minute, count) VALUES (?, ?, 1)
             ON CONFLICT (agent_id, bucket_minute) DO UPDATE SET count = count + 1`,
            [agentId, minute],
          );
        }
        return checked(used, max);
      }),
    close: () => source.destroy(),
  };
};
