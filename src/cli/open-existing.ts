import type { Db } from '../dork/db.ts';
import { defaultDbPath } from '../dork/home.ts';
import type { CreateDbOptions } from '../engine/create-db.ts';
import { requireFile } from '../engine/file/file.ts';
import { databasePath } from '../engine/file/path.ts';
import { type CommonOptions, loadApi } from './context.ts';

/** The database of `--db`, which must be there. */
export function existingFile({ db }: CommonOptions): string {
  const filename = databasePath(db ?? defaultDbPath(), '--db');
  requireFile(filename, 'dork-db migrate creates it; or give another path with --db.');
  return filename;
}

/** Opens the database of `--db` as it is, without migrating it. */
export async function openExisting(options: CommonOptions, more: CreateDbOptions = {}): Promise<Db> {
  const { createDb } = await loadApi();
  return createDb(existingFile(options), { migrations: 'skip', ...more });
}
