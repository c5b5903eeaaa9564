import { dirname, join } from 'node:path';
import type { Connection } from '../../engine/connection/connection.ts';
import { ImportError } from '../../engine/errors.ts';
import { shellQuoted } from '../../engine/file/path.ts';
import { type Place, releasesIn } from './places.ts';
import { OLDER_SOURCES } from './schema.ts';
import { findSource } from './source-file.ts';

/**
 * Returns the absolute paths of the older DorkOS files next to a database: the files of a home, and each dork.db of a
 * release that was moved aside.
 */
export function findLegacyFiles(filename: string): string[] {
  return candidates(filename)
    .map(({ path }) => path)
    .filter((path) => fingerprintAt(path) !== undefined);
}

function candidates(filename: string): Pick<Place, 'source' | 'path'>[] {
  const home = dirname(filename);
  return [...OLDER_SOURCES.map((source) => ({ source, path: join(home, source) })), ...releasesIn(home, filename)];
}

/**
 * Returns the absolute paths of the older DorkOS files next to a database that were never imported, or were written since
 * their import. It compares sizes and times, and opens no file. Rows that were set aside do not count.
 */
export function waitingLegacyFiles(db: { readonly $client: Connection }, filename: string): string[] {
  const last = db.$client.prepare<{ fingerprint: string }>(
    `SELECT receipt_json ->> '$.fingerprint' AS fingerprint FROM legacy_imports
     WHERE source = ? AND path = ? ORDER BY started_at DESC, rowid DESC LIMIT 1`,
  );
  return candidates(filename)
    .filter(({ source, path }) => {
      const fingerprint = fingerprintAt(path);
      return fingerprint !== undefined && last.get(source, path)?.fingerprint !== fingerprint;
    })
    .map(({ path }) => path);
}

/** Returns the command that imports the older files next to a database. */
export function importCommand(filename: string): string {
  return `dork-db import --db ${shellQuoted(filename)} --from ${shellQuoted(dirname(filename))}`;
}

function fingerprintAt(path: string): string | undefined {
  try {
    return findSource(path)?.fingerprint;
  } catch (error) {
    // A source that cannot be imported is not waiting for an import.
    if (error instanceof ImportError) return undefined;
    throw error;
  }
}
