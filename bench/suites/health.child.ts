import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { HealthReport } from '../../src/engine/health/report.ts';
import { openConfigured } from '../harness/bare.ts';
import { compareAll, FULL, QUICK } from '../harness/compare.ts';
import { importPackage } from '../harness/ours.ts';
import type { Measurement, SuiteOptions } from '../harness/suite.ts';
import { fill } from '../stores/fill.ts';

/** Rows that make a file of 1 MB. */
const SMALL = 600;

/** Each in a folder of its own, where health() looks for backups. */
function pathOf(folder: string, size: string): string {
  return join(folder, size, 'dork.db');
}

export async function prepare({ folder, entry, rows }: SuiteOptions): Promise<void> {
  const { createDb, closeDb } = await importPackage(entry);
  for (const [size, count] of [
    ['small', SMALL],
    ['large', Math.max(rows, 2 * SMALL)],
  ] as const) {
    mkdirSync(join(folder, size), { mode: 0o700 });
    closeDb(createDb(pathOf(folder, size)));
    const database = openConfigured(pathOf(folder, size));
    fill(database, count);
    database.close();
  }
}

export async function round({ folder, entry, quick }: SuiteOptions): Promise<Measurement[]> {
  const pkg = await importPackage(entry);
  const open = (size: string) => pkg.createDb(pathOf(join(folder, '..'), size), { migrations: 'require' });
  const [small, large] = [open('small'), open('large')];
  const [measured] = await compareAll(
    [
      {
        name: 'health(db)',
        kind: 'read',
        comparable: (report) => (report as HealthReport).findings.map(({ check, severity }) => ({ check, severity })),
        arms: { small: () => pkg.health(small), large: () => pkg.health(large) },
      },
    ],
    quick ? QUICK : FULL,
  );
  const size = (db: typeof small) => statSync(db.$client.filename).size / 2 ** 20;
  const figures = { 'MB, small': size(small), 'MB, large': size(large) };
  for (const db of [small, large]) pkg.closeDb(db);
  return measured ? [{ ...measured, figures }] : [];
}
