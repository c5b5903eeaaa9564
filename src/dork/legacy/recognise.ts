import type { Connection } from '../../engine/connection/connection.ts';
import type { Foreign } from '../../engine/file/foreign.ts';
import { shellQuoted } from '../../engine/file/path.ts';

/** The code of the error that refuses the dork.db of a release. */
export const OLDER_DORKOS = 'OLDER_DORKOS';

/** Tables that every release has. */
const TABLES = ['__drizzle_migrations', 'pulse_schedules', 'pulse_runs', 'relay_index', 'relay_traces', 'agents'];

/** Recognises the dork.db of a DorkOS release, which has the same name as ours but another history. */
export function olderDorkos(connection: Connection): Foreign | undefined {
  if (connection.pragma('application_id', { simple: true }) !== 0) return undefined;
  const has = connection.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?");
  if (!TABLES.every((table) => has.get(table))) return undefined;
  return {
    code: OLDER_DORKOS,
    what: 'is the dork.db of a DorkOS release, whose rows can be imported',
    hint:
      `Stop DorkOS, then run dork-db import --db ${shellQuoted(connection.filename)}: ` +
      'it moves the file aside as it is, and imports its rows into a new one.',
    sourceHint: (path) => `Import its rows into your dork.db: dork-db import --from ${shellQuoted(path)}`,
  };
}
