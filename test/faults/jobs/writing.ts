import { setImmediate } from 'node:timers/promises';
import { createDb, type Db } from '#entry';
import { assertKept, Writer } from '../oracle.ts';
import type { JobProgram } from '../worker.ts';

/** Named here, so that it is not collected and closed. */
export let abandoned: Db | undefined;

/** Jobs that write, and what looks after them. */
export const WRITING: Readonly<Record<string, JobProgram>> = {
  /** Writes transactions until it is killed, told to end, or has so many; says `ready` after the first. */
  write: async ({ file, logs, writer, transactions = Number.POSITIVE_INFINITY, asks = false }, { say, hear }) => {
    const db = createDb(file);
    using oracle = new Writer(db, writer, logs);
    let isOver = false;
    if (asks) void hear().then(() => (isOver = true));
    let written = 0;
    let slowestMs = 0;
    for (; written < transactions && !isOver; written++) {
      const began = performance.now();
      oracle.write();
      slowestMs = Math.max(slowestMs, performance.now() - began);
      if (written === 0) say({ ready: true });
      if (asks) await setImmediate();
    }
    db.$client.close();
    return { written, slowestMs };
  },
  /** Writes so many transactions, and leaves the file open. */
  abandon: ({ file, logs, writer, transactions }) => {
    abandoned = createDb(file);
    const oracle = new Writer(abandoned, writer, logs);
    for (let written = 0; written < transactions; written++) oracle.write();
    return { written: transactions };
  },
  /** Asserts that all that was acknowledged is there. */
  kept: ({ file, logs }) => assertKept(file, logs),
  /** Adds one to the same rows, as often as it is told, at an instant. */
  increment: async ({ file, times }, { say, hear }) => {
    const db = createDb(file);
    const read = db.$client.prepare<{ n: number }>(
      "SELECT count AS n FROM rate_limit_buckets WHERE agent_id = 'shared'",
    );
    const write = db.$client.prepare("UPDATE rate_limit_buckets SET count = ? WHERE agent_id = 'shared'");
    say({ ready: true });
    const { at } = await hear<{ at: number }>();
    while (Date.now() < at);
    for (let i = 0; i < times; i++) db.transaction(() => write.run((read.get()?.n ?? 0) + 1));
    const tookMs = Date.now() - at;
    db.$client.close();
    return { tookMs };
  },
};
