import { openConfigured } from '../harness/bare.ts';
import { compareAll, FULL, QUICK } from '../harness/compare.ts';
import { importPackage } from '../harness/ours.ts';
import type { Measurement, SuiteOptions } from '../harness/suite.ts';
import { openBuilder } from '../stores/builder.ts';
import { fillBuckets } from '../stores/fill.ts';
import { copyFilled } from '../stores/filled.ts';
import { storeOperations } from '../stores/operations.ts';

export { prepareFilled as prepare } from '../stores/filled.ts';

export async function round({ folder, entry, rows, quick, only = '' }: SuiteOptions): Promise<Measurement[]> {
  const pkg = await importPackage(entry);
  const file = (arm: string) => {
    const path = copyFilled(folder, arm);
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
