import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Connection } from '../core/connection.ts';
import { findLegacyFiles } from '../legacy/files.ts';
import { hasTable } from '../migrations/ledger.ts';
import { type Check, findingsOf, onDisk } from './check.ts';

const say = findingsOf('legacy');

/** Older DorkOS files beside the database that were never imported, or that something has written since. */
export const checkLegacy: Check = onDisk(({ connection }) => {
  const imported = importedAt(connection);
  const found = findLegacyFiles(dirname(connection.filename));
  const waiting = found.filter((path) => !imported.has(path));
  const changed = found.filter((path) => {
    const at = imported.get(path);
    return at !== undefined && (statSync(path, { throwIfNoEntry: false })?.mtime.toISOString() ?? '') > at;
  });
  const findings = [
    ...(waiting.length > 0
      ? [say.warning(`Older DorkOS files are not imported: ${waiting.join(', ')}.`, 'dork-db import')]
      : []),
    ...(changed.length > 0
      ? [
          say.warning(
            `Older DorkOS files were written after they were imported: ${changed.join(', ')}.`,
            'Stop the older server, then run dork-db import again; nothing is doubled.',
          ),
        ]
      : []),
  ];
  return {
    findings: findings.length > 0 ? findings : [say.ok('No older DorkOS file waits to be imported.')],
    figures: { legacyFiles: [...waiting, ...changed] },
  };
});

/** When each older file was last imported. */
function importedAt(connection: Connection): Map<string, string> {
  if (!hasTable(connection, 'legacy_imports')) return new Map();
  const rows = connection
    .prepare<{ path: string; at: string }>('SELECT path, max(finished_at) AS at FROM legacy_imports GROUP BY path')
    .all();
  return new Map(rows.map(({ path, at }) => [path, at]));
}
