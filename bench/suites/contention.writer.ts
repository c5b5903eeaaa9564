/**
 * One of the writers of the suite contention: `contention.writer.ts ARM FILE TRANSACTIONS ENTRY`. Prints that it is ready,
 * and when it was told to begin and is done, what CPU time its transactions took, in microseconds.
 */
import { once } from 'node:events';
import { openConfigured } from '../harness/bare.ts';
import { importPackage } from '../harness/ours.ts';

const [, , arm, path = '', transactions = '0', entry = ''] = process.argv;

const READ = 'SELECT count FROM rate_limit_buckets WHERE agent_id = ?';
const WRITE = 'UPDATE rate_limit_buckets SET count = ? WHERE agent_id = ?';

const WARM_UP = 20_000;

interface Writer {
  write(agent: string): void;
  close(): void;
}

async function ours(): Promise<Writer> {
  const { createDb, closeDb } = await importPackage(entry);
  const db = createDb(path);
  const read = db.$client.prepare<{ count: number }>(READ);
  const update = db.$client.prepare(WRITE);
  const increment = (agent: string) => update.run((read.get(agent)?.count ?? 0) + 1, agent);
  return { write: (agent) => void db.transaction(() => increment(agent)), close: () => closeDb(db) };
}

function bare(): Writer {
  const database = openConfigured(path);
  const read = database.prepare(READ);
  const update = database.prepare(WRITE);
  const begin = database.prepare('BEGIN IMMEDIATE');
  const commit = database.prepare('COMMIT');
  return {
    write: (agent) => {
      begin.run();
      update.run(((read.get(agent) as { count: number } | null)?.count ?? 0) + 1, agent);
      commit.run();
    },
    close: () => void database.close(),
  };
}

const writer = arm === 'ours' ? await ours() : bare();
// Of no row, so that nothing is written: a server is past the compilers of the runtime soon.
for (let i = 0; i < WARM_UP; i++) writer.write('nobody');
process.stdout.write('ready\n');
await once(process.stdin, 'data');
const cpu = process.cpuUsage();
for (let i = 0; i < Number(transactions); i++) writer.write('agent');
const { user, system } = process.cpuUsage(cpu);
process.stdout.write(`${user + system}\n`);
writer.close();
process.exit(0);
