import { DatabaseOpenError } from '../core/errors.ts';
import { inspectFile } from '../core/file.ts';
import { databasePath, defaultDbPath } from '../core/path.ts';
import type { CreateDbOptions, Db } from '../create-db.ts';
import { type CommonOptions, loadApi } from './context.ts';

/** The database of `--db`, which must be there: a command that looks after a file creates none. */
export function existingFile({ db }: CommonOptions): string {
  const filename = databasePath(db ?? defaultDbPath(), '--db');
  if (!inspectFile(filename).isNew) return filename;
  throw new DatabaseOpenError('FILE_MISSING', `${filename} does not exist or is empty. Nothing was created.`, {
    hint: 'dork-db migrate creates it; or give another path with --db.',
  });
}

/** Opens the database of `--db` as it is, without migrating it. */
export async function openExisting(options: CommonOptions, more: CreateDbOptions = {}): Promise<Db> {
  const { createDb } = await loadApi();
  return createDb(existingFile(options), { migrations: 'skip', ...more });
}
