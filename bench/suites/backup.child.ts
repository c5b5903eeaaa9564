import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from '../../src/dork/db.ts';
import { fsyncPath } from '../../src/engine/file/flush.ts';
import { openBare, openConfigured } from '../harness/bare.ts';
import { stopwatch, time } from '../harness/compare.ts';
import { importPackage, type Package } from '../harness/ours.ts';
import type { Measurement, SuiteOptions } from '../harness/suite.ts';
import { idOf } from '../stores/fill.ts';
import { copyFilled } from '../stores/filled.ts';

export { prepareFilled as prepare } from '../stores/filled.ts';

/** A server's load on the event loop until told to stop; the longest time between two turns, in milliseconds. */
function load(pkg: Package, db: Db, rows: number): () => number {
  const index = new pkg.SqliteIndex(db);
  let longest = 0;
  let last = performance.now();
  let i = 0;
  const timer = setInterval(() => {
    index.getMessage(idOf((i * 7919) % rows));
    index.updateStatus(idOf((i * 7919) % rows), i % 2 ? 'delivered' : 'failed');
    i++;
    const at = performance.now();
    longest = Math.max(longest, at - last);
    last = at;
  }, 1);
  return () => {
    clearInterval(timer);
    // A pause that has not ended is one too.
    return Math.max(longest, performance.now() - last);
  };
}

/** What both copies must hold, but for what the load changes. */
const CONTENT = `SELECT (SELECT count(*) FROM relay_index) AS messages, (SELECT count(*) FROM relay_traces) AS spans,
  (SELECT max(id) FROM pulse_runs) AS run, (SELECT total(pending + delivered + failed) FROM relay_counts) AS counted`;

function contentOf(path: string): unknown {
  const database = openBare(path);
  const content = database.prepare(CONTENT).get();
  database.close();
  return content;
}

interface WalState {
  readonly log: number;
  readonly checkpointed: number;
}

/** Waits until a write carries a checkpoint: what is in the file grows, or the -wal is begun anew. */
async function checkpointOf(path: string): Promise<void> {
  const database = openConfigured(path);
  const state = database.prepare('PRAGMA wal_checkpoint(NOOP)');
  let last = state.get() as WalState;
  for (;;) {
    await sleep(50);
    const now = state.get() as WalState;
    if (now.checkpointed > last.checkpointed || now.log < last.log) break;
    last = now;
  }
  database.close();
}

export async function round({ folder, entry, rows, quick }: SuiteOptions): Promise<Measurement[]> {
  const pkg = await importPackage(entry);
  const path = copyFilled(folder, 'dork');
  const copies = { ours: join(folder, 'copy.db'), bare: join(folder, 'bare-copy.db') };
  const bare = openConfigured(path);
  const vacuum = bare.prepare('VACUUM INTO ?');
  const bareCost = time(() => vacuum.run(copies.bare), 0, 1);
  bare.close();
  // What the system has not yet written of them would be written beside what is measured.
  for (const file of [path, copies.bare]) fsyncPath(file);

  const db = pkg.createDb(path, { migrations: 'require' });
  // Past the first turns, which the compilers of the runtime slow down.
  const stopWarmUp = load(pkg, db, rows);
  await sleep(quick ? 50 : 3000);
  stopWarmUp();
  const stopWith = load(pkg, db, rows);
  const stop = stopwatch();
  await pkg.backup(db, { to: copies.ours });
  const ours = stop(1);
  const during = stopWith();
  // As long as the backup took: the longest of many pauses grows with their number. And with a checkpoint in it, which
  // this load has every few seconds: the longest pause of all is that of the write which carries it.
  const stopWithout = load(pkg, db, rows);
  await Promise.all([sleep(ours.wall / 1000), quick || checkpointOf(path)]);
  const without = stopWithout();
  pkg.closeDb(db);
  assert.deepEqual(contentOf(copies.ours), contentOf(copies.bare), 'the backup holds something else than the copy');
  return [
    {
      operation: 'backup',
      arms: { ours, bare: bareCost },
      figures: {
        GB: statSync(path).size / 2 ** 30,
        'longest pause without, ms': without,
        'longest pause with, ms': during,
        'pause with / without (goal ≤ 2)': during / without,
      },
    },
  ];
}
