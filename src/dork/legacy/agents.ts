import { AGENT_TARGET, AgentReader } from './agent-row.ts';
import type { ImportContext, Steps } from './import-context.ts';
import { RowWriter, readRows, setAside } from './row-import.ts';

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

/** Imports `agents` of mesh.db. */
export function* importAgents(context: ImportContext, columns: readonly string[]): Steps {
  const { connection, tally } = context;
  const reader = new AgentReader(connection);
  const writer = new RowWriter(context, AGENT_TARGET, 'older');
  for (const { row, values } of readRows(context, AGENTS.table, columns)) {
    const plan = reader.read(values);
    const taken = typeof plan === 'string' ? plan : writer.take(plan.id, plan.values);
    if (typeof plan === 'string' || typeof taken === 'string')
      setAside(context, AGENTS.table, row, values.id, String(taken));
    else {
      tally.add(AGENTS.table, taken.outcome);
      if (taken.isWritten) for (const rule of plan.adjustments) tally.adjust(AGENTS.table, rule);
    }
    yield;
  }
}
