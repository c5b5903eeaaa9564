import { isAbsolute } from 'node:path';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { getTableName } from 'drizzle-orm/table';
import { getTableColumns } from 'drizzle-orm/utils';
import { canonicalPath } from '../mesh/canonical-path.ts';
import { agentDenials, agents, rateLimitBuckets } from '../mesh/schema.ts';
import { pulseRuns, pulseSchedules } from '../pulse/schema.ts';
import { relayIndex, relayTraces } from '../relay/schema.ts';
import { extraRule } from './agent-extra.ts';
import { AGENT_PATH } from './agent-row.ts';
import type { Origin } from './import-context.ts';
import type { LegacySource } from './receipt.ts';
import { MESSAGE_WORDS, SPAN_WORDS } from './relay.ts';
import type { UniqueColumn } from './row-owners.ts';
import {
  type ColumnRule,
  constant,
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

/** A new table in a hybrid relay/index.db, or in the dork.db of a release. */
export interface HybridTable {
  readonly table: SQLiteTable;
  readonly name: string;
  readonly kind: TableRule['kind'];
  /** The column that identifies a row. */
  readonly key: string;
  /** The column that tells several rows of one key apart. */
  readonly within?: string;
  readonly unique?: UniqueColumn;
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

/** A denial is found by its path, which the same denial may have changed. */
const DENIAL_ID: UniqueColumn = { name: 'id', reason: 'id is that of another denial' };

/** In an order in which every row's parent comes first. */
export const HYBRID_TABLES: readonly HybridTable[] = [
  hybrid(pulseSchedules, 'schedule', 'id', PULSE),
  hybrid(pulseRuns, 'run', 'id', PULSE),
  { ...hybrid(relayIndex, 'message', 'id', []), within: 'endpoint_hash' },
  hybrid(relayTraces, 'span', 'message_id', []),
  { ...hybrid(agents, 'agent', 'id', MESH), unique: AGENT_PATH },
  { ...hybrid(agentDenials, 'denial', 'path', MESH), unique: DENIAL_ID },
  hybrid(rateLimitBuckets, 'bucket', 'agent_id', MESH),
];

/* @__NO_SIDE_EFFECTS__ */
function hybrid(
  table: SQLiteTable,
  kind: HybridTable['kind'],
  key: string,
  waitsFor: readonly LegacySource[],
): HybridTable {
  return { table, name: getTableName(table), kind, key, waitsFor };
}

/**
 * Returns the rule by which the table is copied: each column from that of the same name, as far as the file has it.
 *
 * @param olderKey The columns of the primary key that the table has in the file.
 */
export function hybridRule(
  { table, name, kind, key, within, unique }: HybridTable,
  present: ReadonlySet<string>,
  olderKey: readonly string[],
  origin: Origin,
): TableRule {
  const columns = Object.values(getTableColumns(table)) as SQLiteColumn[];
  const names = columns.map((column) => column.name);
  const unknown = [...present].filter((column) => !names.includes(column));
  const needsId = key !== 'id' && !present.has('id');
  return {
    kind,
    origin,
    from: name,
    to: name,
    key,
    ...(within !== undefined && { within, isAlone: !olderKey.includes(within) }),
    ...(unique && present.has(unique.name) && { unique }),
    columns: columns
      .filter((column) => !(needsId && column.name === 'id'))
      .map((column) =>
        column.name === 'manifest_extra_json' ? extraRule(unknown) : columnRule(kind, column, present.has(column.name)),
      ),
    needsId,
    also: kind === 'agent' ? unknown : [],
  };
}

/** Columns that are not read: those that the new table lacks. An agent keeps them among the keys of its manifest. */
export function unreadColumns({ table, kind }: HybridTable, present: ReadonlySet<string>): string[] {
  const names = (Object.values(getTableColumns(table)) as SQLiteColumn[]).map(({ name }) => name);
  return kind === 'agent' ? [] : [...present].filter((column) => !names.includes(column));
}

/** The older code wrote a column or it did not; a column that it did not write has the default of the new table. */
function columnRule(kind: TableRule['kind'], column: SQLiteColumn, isPresent: boolean): ColumnRule {
  const { name, notNull } = column;
  if (!isPresent && column.hasDefault) {
    const value = typeof column.default === 'string' ? column.default : Number(column.default);
    return constant(name, value);
  }
  if (column.enumValues?.length) return word(name, { ...OLDER_WORDS[kind], ...sameWords(column.enumValues) });
  if (name.endsWith('_at')) return notNull ? requiredInstant(name) : optionalInstant(name);
  if (kind === 'denial' && name === 'path') return canonical(requiredText(name));
  if (column.dataType === 'boolean') return flag(name);
  if (column.getSQLType() === 'integer') return notNull ? required(optionalInteger(name)) : optionalInteger(name);
  if (name.endsWith('_json') || name === 'metadata') return notNull ? required(optionalJson(name)) : optionalJson(name);
  return notNull ? requiredText(name) : optionalText(name);
}

/** A relative path stays as it is: nobody knows what it was relative to. */
function canonical(rule: ColumnRule): ColumnRule {
  return {
    ...rule,
    read: (value, adjust, row) => {
      const path = String(rule.read(value, adjust, row));
      const real = isAbsolute(path) ? canonicalPath(path) : path;
      if (real !== path) adjust('path_made_canonical');
      return real;
    },
  };
}
