import type { SqliteValue } from '../../engine/driver/adapter.ts';
import { canonicalPath } from '../mesh/canonical-path.ts';
import type { ImportContext, Steps } from './import-context.ts';
import { NO_INSTANT, type ReadInstant, readInstant } from './instants.ts';
import { type RowTarget, RowWriter, readRows, setAside } from './row-import.ts';

/** The table of denials, which a mesh.db may lack. */
export const DENIALS = {
  table: 'denials',
  key: ['path'],
  columns: ['path', 'strategy', 'reason', 'denied_by', 'denied_at'],
  laterColumns: [],
};

/** Paths that differ by symbolic links. */
export const SAME_FOLDER = 'path leads to the same folder as an earlier denial';

const TARGET: RowTarget = {
  kind: 'denial',
  to: 'agent_denials',
  key: 'path',
  columns: ['path', 'strategy', 'reason', 'denier', 'created_at'],
  needsId: true,
  sameKey: SAME_FOLDER,
};

/** Imports `denials` of mesh.db. */
export function* importDenials(context: ImportContext): Steps {
  const { tally } = context;
  const writer = new RowWriter(context, TARGET, 'older');
  for (const { row, values } of readRows(context, DENIALS.table, DENIALS.columns)) {
    const plan = planOf(values);
    const taken = typeof plan === 'string' ? plan : writer.take(plan.path, plan.values);
    if (typeof plan === 'string' || typeof taken === 'string')
      setAside(context, DENIALS.table, row, values.path, String(taken));
    else {
      tally.add(DENIALS.table, taken.outcome);
      if (taken.isWritten && plan.canonical !== plan.path) tally.adjust(DENIALS.table, 'path_made_canonical');
      if (taken.isWritten && plan.deniedAt.rule) tally.adjust(DENIALS.table, `denied_at_${plan.deniedAt.rule}`);
    }
    yield;
  }
}

interface DenialPlan {
  readonly path: string;
  readonly canonical: string;
  readonly deniedAt: ReadInstant;
  readonly values: SqliteValue[];
}

/** Returns the plan, or the reason to set the row aside. */
function planOf(row: Readonly<Record<string, SqliteValue>>): DenialPlan | string {
  const { path = null, denied_at = null } = row;
  for (const column of DENIALS.columns) {
    const value = row[column] ?? null;
    if (value !== null && typeof value !== 'string') return `${column} must be text`;
  }
  if (typeof path !== 'string' || path === '') return 'path is missing';
  if (typeof denied_at !== 'string') return 'denied_at is missing';
  const deniedAt = readInstant(denied_at);
  if (!deniedAt) return `denied_at ${NO_INSTANT}`;
  const canonical = canonicalPath(path);
  const values = [canonical, row.strategy ?? null, row.reason ?? null, row.denied_by ?? null, deniedAt.iso];
  return { path, canonical, deniedAt, values };
}
