import { constants, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { openConfigured } from '../harness/bare.ts';
import { compareAll, FULL, QUICK } from '../harness/compare.ts';
import { importPackage } from '../harness/ours.ts';
import type { Measurement, SuiteOptions } from '../harness/suite.ts';
import { openBuilder } from '../stores/builder.ts';
import { fill, fillBuckets } from '../stores/fill.ts';
import { storeOperations } from '../stores/operations.ts';

/** The file that every arm of every round gets a copy of. */
function filled(folder: string): string {
  return join(folder, 'filled.db');
}

export async function prepare({ folder, entry, rows }: SuiteOptions): Promise<void> {
  const { createDb, closeDb } = await importPackage(entry);
  closeDb(createDb(filled(folder)));
  const database = openConfigured(filled(folder));
  fill(database, rows);
  database.close();
}

export async function round({ folder, entry, rows, quick, only = '' }: SuiteOptions): Promise<Measurement[]> {
  const pkg = await importPackage(entry);
  const file = (arm: string) => {
    const path = join(folder, `${arm}.db`);
    copyFileSync(filled(join(folder, '..')), path, constants.COPYFILE_FICLONE);
    const database = openConfigured(path);
    fillBuckets(database);
    database.close();
    return path;
  };
  const db = pkg.createDb(file('ours'), { migrations: 'require' });
  const arms = { pkg, db, bare: openConfigured(file('bare')), builder: await openBuilder(file('builder')), rows };
  const operations = storeOperations(arms).filter(({ name }) => name.includes(only));
  const measured = await compareAll(operations, quick ? QUICK : FULL);
  pkg.closeDb(db);
  arms.bare.close();
  return measured;
}
