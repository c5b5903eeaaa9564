import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { getTableName } from 'drizzle-orm/table';
import { getTableColumns } from 'drizzle-orm/utils';
import { agentDenials, agents, rateLimitBuckets } from '../mesh/schema.ts';
import { pulseRuns, pulseSchedules } from '../pulse/schema.ts';
import { relayIndex, relayTraces } from '../relay/schema.ts';
import type { LegacySource } from './receipt.ts';
import { MESSAGE_WORDS, SPAN_WORDS } from './relay.ts';
import {
  type ColumnRule,
  flag,
  optionalInstant,
  optionalInteger,
  optionalJson,
  optionalText,
  required,
  requiredInstant,
  requiredText,
  sameWords,
  type TableRule,
  word,
} from './table-rule.ts';

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

/** The rule by which the table is copied: each column from that of the same name, as far as the file has it. */
export function hybridRule({ table, name, kind, key }: HybridTable, present: ReadonlySet<string>): TableRule {
  const columns = Object.values(getTableColumns(table)) as SQLiteColumn[];
  const needsId = key !== 'id' && !present.has('id');
  return {
    kind,
    origin: 'copy',
    from: name,
    to: name,
    key,
    columns: columns
      .filter((column) => !(needsId && column.name === 'id'))
      .map((column) => columnRule(kind, column, present.has(column.name))),
    needsId,
  };
}

/** The older code wrote a column or it did not; a column that it did not write has the default of the new table. */
function columnRule(kind: TableRule['kind'], column: SQLiteColumn, isPresent: boolean): ColumnRule {
  const { name, notNull } = column;
  if (!isPresent && column.hasDefault) {
    const value = typeof column.default === 'string' ? column.default : Number(column.default);
    return { column: name, older: name, read: () => value };
  }
  if (column.enumValues?.length) return word(name, { ...OLDER_WORDS[kind], ...sameWords(column.enumValues) });
  if (name.endsWith('_at')) return notNull ? requiredInstant(name) : optionalInstant(name);
  if (column.dataType === 'boolean') return flag(name);
  if (column.getSQLType() === 'integer') return notNull ? required(optionalInteger(name)) : optionalInteger(name);
  if (name.endsWith('_json') || name === 'metadata') return notNull ? required(optionalJson(name)) : optionalJson(name);
  return notNull ? requiredText(name) : optionalText(name);
}
