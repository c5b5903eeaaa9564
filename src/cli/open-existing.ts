import { requireFile } from '../core/file.ts';
import { databasePath, defaultDbPath } from '../core/path.ts';
import type { CreateDbOptions, Db } from '../create-db.ts';
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
