import { dirname, join } from 'node:path';
import type { Connection } from '../../engine/connection/connection.ts';
import type { Foreign } from '../../engine/file/open.ts';
import { shellQuoted } from '../../engine/file/path.ts';

/** Tables that every release has. */
const TABLES = ['__drizzle_migrations', 'pulse_schedules', 'pulse_runs', 'relay_index', 'relay_traces', 'agents'];

/** Recognises the dork.db of a DorkOS release, which has the name of ours and another history. */
export function olderDorkos(connection: Connection): Foreign | undefined {
  if (connection.pragma('application_id', { simple: true }) !== 0) return undefined;
  const has = connection.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?");
  if (!TABLES.every((table) => has.get(table))) return undefined;
  const { filename } = connection;
  const aside = join(dirname(filename), 'dorkos.db');
  return {
    code: 'OLDER_DORKOS',
    what: 'is the dork.db of a DorkOS release, whose rows can be imported',
    hint:
      `Stop DorkOS, rename the file with its -wal and its -shm (if they are there) to ${aside}, ` +
      `then run dork-db import --db ${shellQuoted(filename)} --from ${shellQuoted(aside)}.`,
  };
}
