import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { getTableName } from 'drizzle-orm/table';
import { getTableColumns } from 'drizzle-orm/utils';
import { agentDenials, agents, rateLimitBuckets } from '../mesh/schema.ts';
import { pulseRuns, pulseSchedules } from '../pulse/schema.ts';
import { relayIndex, relayTraces } from '../relay/schema.ts';
import { WOULD_BE_PATH } from './agents.ts';
import type { LegacySource } from './receipt.ts';
import { MESSAGE_WORDS, SPAN_WORDS } from './relay.ts';
import {
  type ColumnRule,
  type Older,
  optionalInstant,
  optionalInteger,
  optionalJson,
  optionalText,
  requiredInstant,
  requiredText,
  sameWords,
  type TableRule,
  word,
} from './table-rule.ts';
import { wouldBe } from './table-sql.ts';

/** A new table as it stands in a hybrid relay/index.db. */
export interface HybridTable {
  readonly table: SQLiteTable;
  readonly name: string;
  readonly kind: TableRule['kind'];
  /** The column that identifies a row. */
  readonly key: string;
  /** The older files that say more of the same rows: while one of them cannot be read, these rows wait. */
  readonly waitsFor: readonly LegacySource[];
}

const PULSE: readonly LegacySource[] = ['schedules.json', 'pulse.db'];
const MESH: readonly LegacySource[] = ['mesh/mesh.db'];

/** Words that the older code may have gone on writing. */
const OLDER_WORDS: Partial<Record<TableRule['kind'], Record<string, string>>> = {
  message: MESSAGE_WORDS,
  span: SPAN_WORDS,
};

/** In an order in which every row's parent comes first. */
export const HYBRID_TABLES: readonly HybridTable[] = [
  hybrid(pulseSchedules, 'schedule', 'id', PULSE),
  hybrid(pulseRuns, 'run', 'id', PULSE),
  hybrid(relayIndex, 'message', 'id', []),
  hybrid(relayTraces, 'span', 'message_id', []),
  hybrid(agents, 'agent', 'id', MESH),
  hybrid(agentDenials, 'denial', 'path', MESH),
  hybrid(rateLimitBuckets, 'bucket', 'agent_id', MESH),
];

function hybrid(
  table: SQLiteTable,
  kind: HybridTable['kind'],
  key: string,
  waitsFor: readonly LegacySource[],
): HybridTable {
  return { table, name: getTableName(table), kind, key, waitsFor };
}

/** The table as it is copied: each column from that of the same name, as far as the file has it. */
export function hybridRule({ table, name, kind, key }: HybridTable, older: Older): TableRule {
  const columns = Object.values(getTableColumns(table)) as SQLiteColumn[];
  const needsId = kind !== 'bucket' && key !== 'id' && older('id') === 'NULL';
  return {
    kind,
    from: name,
    to: name,
    key: [key, key],
    columns: columns
      .filter((column) => !(needsId && column.name === 'id'))
      .map((column) => columnRule(kind, column, older)),
    openStatuses: [],
    isCopy: true,
    ...(needsId && { needsId }),
    ...(kind === 'run' && { schedule: older('schedule_id') }),
    ...(kind === 'agent' && { faults: [[isOthersPath(older), 'project_path is that of another agent']] }),
  };
}

/** The older code wrote a column or it did not; what it did not write has the default that the new table gives. */
function columnRule(kind: TableRule['kind'], column: SQLiteColumn, older: Older): ColumnRule {
  const { name } = column;
  const value = older(name);
  if (value === 'NULL' && column.hasDefault) {
    return { column: name, value: literal(column.default), faults: [], adjustments: [] };
  }
  if (column.enumValues?.length) return word(name, value, { ...OLDER_WORDS[kind], ...sameWords(column.enumValues) });
  if (name.endsWith('_at')) return column.notNull ? requiredInstant(name, value) : optionalInstant(name, value);
  if (column.getSQLType() === 'integer') return required(column, value, optionalInteger(name, value));
  if (name.endsWith('_json') || name === 'metadata') return required(column, value, optionalJson(name, value));
  return column.notNull ? requiredText(name, value) : optionalText(name, value);
}

function required({ name, notNull }: SQLiteColumn, value: string, rule: ColumnRule): ColumnRule {
  return notNull ? { ...rule, faults: [[`${value} IS NULL`, `${name} is missing`], ...rule.faults] } : rule;
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(Number(value));
}

function isOthersPath(older: Older): string {
  const path = older('project_path');
  const id = older('id');
  return `(EXISTS (SELECT 1 FROM main.agents AS o WHERE o.project_path = ${path} AND o.id <> ${id})
    OR ${wouldBe(WOULD_BE_PATH, path)} AND NOT ${wouldBe('agent', id)})`;
}
