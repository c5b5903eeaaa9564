import { constants, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { openConfigured } from '../harness/bare.ts';
import { compareAll, FULL, type Operation, QUICK } from '../harness/compare.ts';
import { fileReads } from '../harness/file-reads.ts';
import { importPackage } from '../harness/ours.ts';
import type { Measurement, SuiteOptions } from '../harness/suite.ts';
import { openBuilder } from '../stores/builder.ts';
import { fillBuckets } from '../stores/fill.ts';
import { makeFilled } from '../stores/filled.ts';
import { storeOperations } from '../stores/operations.ts';
import { bareName, inCalls, sizeName, sizesOf } from './growth.ts';

/** Larger files are not copied for each round: what a round writes is small beside them. */
const COPIED = 1_000_000;

export async function prepare(options: SuiteOptions): Promise<void> {
  for (const rows of sizesOf(options))
    await makeFilled(options.entry, join(options.folder, `${rows}.db`), rows, fillBuckets);
}

export async function round(options: SuiteOptions): Promise<Measurement[]> {
  const { folder, entry, quick, only = '' } = options;
  const pkg = await importPackage(entry);
  const sizes = sizesOf(options);
  const opened = await Promise.all(
    sizes.map(async (rows) => {
      const prepared = join(folder, '..', `${rows}.db`);
      const path = rows > COPIED ? prepared : join(folder, `${rows}.db`);
      if (path !== prepared) copyFileSync(prepared, path, constants.COPYFILE_FICLONE);
      const db = pkg.createDb(path, { migrations: 'require' });
      // On the same file: the bare driver only reads there, and the builder stands idle.
      const bare = openConfigured(path);
      const operations = storeOperations({ pkg, db, bare, builder: await openBuilder(path), rows });
      return { rows, db, bare, operations };
    }),
  );
  const [first] = opened;
  const operations: Operation[] = (first?.operations ?? []).map(({ name, kind }, i) => ({
    name: name.replace(/ of \d+$/, ''),
    kind,
    // What is there differs between the sizes, and each arm goes by its own.
    comparable: () => undefined,
    arms: Object.fromEntries(
      opened.flatMap(({ rows, operations: own }) => {
        const { ours, bare } = own[i]?.arms ?? {};
        if (!ours || !bare) throw new Error(`${name} has no arm for ${sizeName(rows)} rows.`);
        return kind === 'read'
          ? [
              [sizeName(rows), ours],
              [bareName(rows), bare],
            ]
          : [[sizeName(rows), ours]];
      }),
    ),
  }));
  const measured = await compareAll(
    operations.filter(({ name }) => name.includes(only)),
    quick ? QUICK : FULL,
  );
  const point = measured.find(({ operation }) => operation === 'getMessage');
  const withFigures = measured.map((one) => {
    const operation = operations.find(({ name }) => name === one.operation);
    return {
      ...one,
      figures: {
        ...(operation?.kind === 'read' && fileReads(operation.arms)),
        ...(one.operation === 'index getMetrics' && point && inCallsOf(point, one, sizes.map(sizeName))),
      },
    };
  });
  for (const { db, bare } of opened) {
    bare.close();
    pkg.closeDb(db);
  }
  return withFigures;
}

function inCallsOf(point: Measurement, one: Measurement, sizes: readonly string[]): Record<string, number> {
  const ratio = (size: string) => (one.arms[size]?.cpu ?? Number.NaN) / (point.arms[size]?.cpu ?? Number.NaN);
  return Object.fromEntries(sizes.map((size) => [inCalls(size), ratio(size)]));
}
