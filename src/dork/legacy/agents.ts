import { AGENT_TARGET, AgentReader } from './agent-row.ts';
import type { ImportContext } from './import-context.ts';
import { RowWriter, readRows, setAside } from './row-import.ts';
import { WOULD_BE } from './table-sql.ts';

/** Version 2 added last_seen_*, version 4 namespace and scan_root. */
export const AGENTS = {
  table: 'agents',
  key: ['id'],
  columns: [
    'id',
    'name',
    'description',
    'project_path',
    'runtime',
    'capabilities_json',
    'manifest_json',
    'registered_at',
    'registered_by',
  ],
  laterColumns: ['last_seen_at', 'last_seen_event', 'namespace', 'scan_root'],
};

/** The kind under which a dry run keeps project paths in mind. */
export const WOULD_BE_PATH = 'path';

/** Imports `agents` of mesh.db. */
export function importAgents(context: ImportContext, columns: readonly string[]): void {
  const { connection, tally } = context;
  const reader = new AgentReader(connection);
  const writer = new RowWriter(context, AGENT_TARGET);
  const owner = connection.prepare<{ id: string }>('SELECT id FROM main.agents WHERE project_path = ?');
  const keepInMind = connection.prepare(`INSERT OR IGNORE INTO ${WOULD_BE} (kind, id) VALUES ('${WOULD_BE_PATH}', ?)`);
  for (const { row, values } of readRows(context, AGENTS.table, columns)) {
    const plan = reader.read(values);
    if (typeof plan === 'string') {
      setAside(context, AGENTS.table, row, values.id, plan);
      continue;
    }
    if ((owner.get(plan.projectPath)?.id ?? plan.id) !== plan.id) {
      setAside(context, AGENTS.table, row, values.id, 'project_path is that of another agent');
      continue;
    }
    const outcome = writer.take(plan.id, plan.values);
    tally.add(AGENTS.table, outcome);
    if (outcome !== 'imported' && outcome !== 'updated') continue;
    if (context.isDryRun) keepInMind.run(plan.projectPath);
    for (const rule of plan.adjustments) tally.adjust(AGENTS.table, rule);
  }
}
