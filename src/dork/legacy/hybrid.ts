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
import { SAME_FOLDER } from './denials.ts';
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
  /** The column that distinguishes several rows with the same key. */
  readonly within?: string;
  readonly unique?: UniqueColumn;
  /** The reason to set a row aside if an earlier row of the file has the same key, which is unique by default. */
  readonly sameKey?: string;
  /** The older files that have more of the same rows' data. While one of them is unreadable, these rows wait. */
  readonly waitsFor: readonly LegacySource[];
}

const PULSE: readonly LegacySource[] = ['schedules.json', 'pulse.db'];
const MESH: readonly LegacySource[] = ['mesh/mesh.db'];

/** Older words that the older code may still have written to the new tables. */
const OLDER_WORDS: Partial<Record<TableRule['kind'], Record<string, string>>> = {
  message: MESSAGE_WORDS,
  span: SPAN_WORDS,
};

/** The key of a denial is its path, but a denial may have got another path since. */
const DENIAL_ID: UniqueColumn = { name: 'id', reason: 'id belongs to another denial' };

/** Ordered so that parent rows are imported before their children. */
export const HYBRID_TABLES: readonly HybridTable[] = [
  hybrid(pulseSchedules, 'schedule', 'id', PULSE),
  hybrid(pulseRuns, 'run', 'id', PULSE),
  { ...hybrid(relayIndex, 'message', 'id', []), within: 'endpoint_hash' },
  hybrid(relayTraces, 'span', 'message_id', []),
  { ...hybrid(agents, 'agent', 'id', MESH), unique: AGENT_PATH },
  { ...hybrid(agentDenials, 'denial', 'path', MESH), unique: DENIAL_ID, sameKey: SAME_FOLDER },
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
 * Returns the rule that copies the table: each column from the column of the same name, if the file has it.
 *
 * @param olderKey The columns of the table's primary key in the file.
 */
export function hybridRule(
  { table, name, kind, key, within, unique, sameKey }: HybridTable,
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
    ...(sameKey !== undefined && { sameKey }),
    columns: columns
      .filter((column) => !(needsId && column.name === 'id'))
      .map((column) =>
        column.name === 'manifest_extra_json' ? extraRule(unknown) : columnRule(kind, column, present.has(column.name)),
      ),
    needsId,
    also: kind === 'agent' ? unknown : [],
  };
}

/** Returns the columns that are not read because the new table lacks them. An agent keeps them as keys of its manifest. */
export function unreadColumns({ table, kind }: HybridTable, present: ReadonlySet<string>): string[] {
  const names = (Object.values(getTableColumns(table)) as SQLiteColumn[]).map(({ name }) => name);
  return kind === 'agent' ? [] : [...present].filter((column) => !names.includes(column));
}

/** Returns the rule of a column. A column that the older code did not write gets the default of the new table. */
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

/** Makes a rule return canonical paths. A relative path is kept: its base is unknown. */
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
