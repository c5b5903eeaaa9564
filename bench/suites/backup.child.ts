import { constants, copyFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from '../../src/create-db.ts';
import { openConfigured } from '../harness/bare.ts';
import { time } from '../harness/compare.ts';
import { importPackage, type Package } from '../harness/ours.ts';
import type { Measurement, SuiteOptions } from '../harness/suite.ts';
import { fill, idOf } from '../stores/fill.ts';

export async function prepare({ folder, entry, rows }: SuiteOptions): Promise<void> {
  const { createDb, closeDb } = await importPackage(entry);
  const path = join(folder, 'filled.db');
  closeDb(createDb(path));
  const database = openConfigured(path);
  fill(database, rows);
  database.close();
}

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
    return longest;
  };
}

export async function round({ folder, entry, rows, quick }: SuiteOptions): Promise<Measurement[]> {
  const pkg = await importPackage(entry);
  const path = join(folder, 'dork.db');
  copyFileSync(join(folder, '..', 'filled.db'), path, constants.COPYFILE_FICLONE);
  const bare = openConfigured(path);
  const vacuum = bare.prepare('VACUUM INTO ?');
  const bareCost = time(() => vacuum.run(join(folder, 'bare-copy.db')), 0, 1);
  bare.close();

  const db = pkg.createDb(path, { migrations: 'require' });
  const stopWithout = load(pkg, db, rows);
  await sleep(quick ? 100 : 5000);
  const without = stopWithout();
  const stopWith = load(pkg, db, rows);
  const start = performance.now();
  const cpu = process.cpuUsage();
  await pkg.backup(db, { to: join(folder, 'copy.db') });
  const wall = (performance.now() - start) * 1000;
  const { user, system } = process.cpuUsage(cpu);
  const during = stopWith();
  pkg.closeDb(db);
  return [
    {
      operation: 'backup',
      arms: { ours: { wall, cpu: user + system }, bare: bareCost },
      figures: {
        GB: statSync(path).size / 2 ** 30,
        'longest pause without, ms': without,
        'longest pause with, ms': during,
        'pause with / without (goal ≤ 2)': during / without,
      },
    },
  ];
}
