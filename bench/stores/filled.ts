import { constants, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BareDatabase, openConfigured } from '../harness/bare.ts';
import { importPackage } from '../harness/ours.ts';
import type { SuiteOptions } from '../harness/suite.ts';
import { fill } from './fill.ts';

/** Makes a file of the built package with so many rows in each big table, and what else a suite adds. */
export async function makeFilled(
  entry: string,
  path: string,
  rows: number,
  add: (database: BareDatabase) => void = () => {},
): Promise<void> {
  const { createDb, closeDb } = await importPackage(entry);
  closeDb(createDb(path));
  const database = openConfigured(path);
  fill(database, rows);
  add(database);
  database.close();
}

/** The `prepare` of a suite whose rounds work on copies of one filled file. */
export function prepareFilled({ folder, entry, rows }: SuiteOptions): Promise<void> {
  return makeFilled(entry, join(folder, NAME), rows);
}

/** A round's own copy of the filled file. */
export function copyFilled(folder: string, arm: string): string {
  const path = join(folder, `${arm}.db`);
  copyFileSync(join(folder, '..', NAME), path, constants.COPYFILE_FICLONE);
  return path;
}

const NAME = 'filled.db';
