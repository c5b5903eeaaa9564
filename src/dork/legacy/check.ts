import type { Connection } from '../../engine/connection/connection.ts';
import { type Check, findingsOf, onDisk } from '../../engine/health/check.ts';
import { hasTable } from '../../engine/migrations/ledger.ts';
import { findLegacyFiles, importCommand, waitingLegacyFiles } from './files.ts';

const say = findingsOf('legacy');

/** Checks for older DorkOS files next to the database that were never imported, or were written since their import. */
export const checkLegacy: Check = onDisk(({ connection }) => {
  const { filename } = connection;
  const isMigrated = hasTable(connection, 'legacy_imports');
  const worthImporting = isMigrated ? waitingLegacyFiles({ $client: connection }, filename) : findLegacyFiles(filename);
  const imported = isMigrated ? importedPaths(connection) : new Set<string>();
  const waiting = worthImporting.filter((path) => !imported.has(path));
  const changed = worthImporting.filter((path) => imported.has(path));
  const findings = [
    ...(waiting.length > 0
      ? [say.warning(`Older DorkOS files are not imported: ${waiting.join(', ')}.`, importCommand(filename))]
      : []),
    ...(changed.length > 0
      ? [
          say.warning(
            `Older DorkOS files were written after they were imported: ${changed.join(', ')}.`,
            `Stop the older server, then import again. No row is imported twice. ${importCommand(filename)}`,
          ),
        ]
      : []),
  ];
  return {
    findings: findings.length > 0 ? findings : [say.ok('Every older DorkOS file has been imported.')],
    figures: { legacyFiles: [...waiting, ...changed] },
  };
});

function importedPaths(connection: Connection): Set<string> {
  const rows = connection.prepare<{ path: string }>('SELECT DISTINCT path FROM legacy_imports').all();
  return new Set(rows.map(({ path }) => path));
}
