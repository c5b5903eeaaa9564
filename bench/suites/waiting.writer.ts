/**
 * One of the writers of the table "waiting for a lock": `waiting.writer.ts ARM FILE MILLISECONDS ENTRY`. Prints that it is
 * ready, and when it was told to begin and the time is over, how long each write took, in microseconds.
 */
import { once } from 'node:events';
import { openConfigured } from '../harness/bare.ts';
import { importPackage } from '../harness/ours.ts';

const [, , arm, path = '', milliseconds = '0', entry = ''] = process.argv;

const WRITE = 'UPDATE rate_limit_buckets SET count = count + 1 WHERE agent_id = ?';

interface Writer {
  single(agent: string): void;
  transaction(agent: string): void;
  close(): void;
}

async function ours(): Promise<Writer> {
  const { createDb, closeDb } = await importPackage(entry);
  const db = createDb(path);
  const update = db.$client.prepare(WRITE);
  return {
    single: (agent) => void update.run(agent),
    transaction: (agent) => void db.transaction(() => update.run(agent)),
    close: () => closeDb(db),
  };
}

function bare(): Writer {
  const database = openConfigured(path);
  const update = database.prepare(WRITE);
  const begin = database.prepare('BEGIN IMMEDIATE');
  const commit = database.prepare('COMMIT');
  return {
    single: (agent) => void update.run(agent),
    transaction: (agent) => {
      begin.run();
      update.run(agent);
      commit.run();
    },
    close: () => void database.close(),
  };
}

const WARM_UP = 2000;
const cell = new Int32Array(new SharedArrayBuffer(4));

const writer = arm === 'ours' ? await ours() : bare();
for (let i = 0; i < WARM_UP; i++) writer[i % 2 === 0 ? 'single' : 'transaction']('nobody');
process.stdout.write('ready\n');
await once(process.stdin, 'data');
const times: number[] = [];
const cpu = process.cpuUsage();
const end = performance.now() + Number(milliseconds);
for (let start = performance.now(), i = 0; start < end; start = performance.now(), i++) {
  writer[i % 2 === 0 ? 'single' : 'transaction']('agent');
  times.push(Math.round((performance.now() - start) * 1000));
  Atomics.wait(cell, 0, 0, 0.5 + Math.random());
}
const { user, system } = process.cpuUsage(cpu);
writer.close();
await new Promise((done) => process.stdout.write(`${JSON.stringify({ times, cpu: user + system })}\n`, done));
process.exit(0);
