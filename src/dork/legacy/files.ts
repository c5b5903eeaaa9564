import { dirname, join } from 'node:path';
import type { Connection } from '../../engine/connection/connection.ts';
import { ImportError } from '../../engine/errors.ts';
import { shellQuoted } from '../../engine/file/path.ts';
import { OLDER_SOURCES } from './schema.ts';
import { findSource } from './source-file.ts';

/** The older DorkOS files in a home, absolute. */
export function findLegacyFiles(home: string): string[] {
  return OLDER_SOURCES.map((source) => join(home, source)).filter((path) => fingerprintAt(path) !== undefined);
}

/**
 * The older DorkOS files in a home that are worth an import, absolute: those that were never imported, and those that
 * were written since. Sizes and times tell; no file is opened. Rows that were set aside keep no file waiting.
 */
export function waitingLegacyFiles(db: { readonly $client: Connection }, home: string): string[] {
  const last = db.$client.prepare<{ fingerprint: string }>(
    `SELECT receipt_json ->> '$.fingerprint' AS fingerprint FROM legacy_imports
     WHERE source = ? AND path = ? ORDER BY started_at DESC, rowid DESC LIMIT 1`,
  );
  return OLDER_SOURCES.filter((source) => {
    const path = join(home, source);
    const fingerprint = fingerprintAt(path);
    return fingerprint !== undefined && last.get(source, path)?.fingerprint !== fingerprint;
  }).map((source) => join(home, source));
}

/** The command that imports the older files beside a database. */
export function importCommand(filename: string): string {
  return `dork-db import --db ${shellQuoted(filename)} --from ${shellQuoted(dirname(filename))}`;
}

function fingerprintAt(path: string): string | undefined {
  try {
    return findSource(path)?.fingerprint;
  } catch (error) {
    // Something that no import can read is nothing that waits for one.
    if (error instanceof ImportError) return undefined;
    throw error;
  }
}
