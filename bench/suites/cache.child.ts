import { join } from 'node:path';
import { openConfigured } from '../harness/bare.ts';
import { type Act, compareAll, FULL, QUICK } from '../harness/compare.ts';
import { fileReads } from '../harness/file-reads.ts';
import type { Measurement, SuiteOptions } from '../harness/suite.ts';
import { idOf } from '../stores/fill.ts';
import { makeFilled } from '../stores/filled.ts';

const SMALL = 10_000;

/** Megabytes; the last holds all of the file. */
const CACHES = [2, 16, 64, 256, 4000];

export async function prepare({ folder, entry, rows }: SuiteOptions): Promise<void> {
  for (const count of [SMALL, rows]) await makeFilled(entry, join(folder, `${count}.db`), count);
}

export async function round({ folder, rows, quick }: SuiteOptions): Promise<Measurement[]> {
  const measured: Measurement[] = [];
  for (const megabytes of CACHES) {
    const opened = { small: SMALL, large: rows };
    const databases = Object.entries(opened).map(([name, count]) => {
      const database = openConfigured(join(folder, '..', `${count}.db`));
      database.exec(`PRAGMA cache_size = -${megabytes * 1000}`);
      const byId = database.prepare('SELECT * FROM relay_index WHERE id = ?');
      const act: Act = (i) => byId.get(idOf((i * 7919) % count));
      for (let i = 0; i < count; i++) act(i);
      return { name, database, act };
    });
    const arms = Object.fromEntries(databases.map(({ name, act }) => [name, act]));
    const [one] = await compareAll(
      [
        {
          name: `cache of ${megabytes} MB`,
          kind: 'read',
          comparable: (row) => typeof row,
          arms,
        },
      ],
      quick ? QUICK : FULL,
    );
    const figures = fileReads(arms);
    for (const { database } of databases) database.close();
    if (one) measured.push({ ...one, figures });
  }
  return measured;
}
