import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '../../engine/connection/connection.ts';
import { FOLDER_MODE } from '../../engine/file/file.ts';
import { AGENTS, importAgents } from './agents.ts';
import { BUDGET_COUNTERS, importBuckets } from './buckets.ts';
import { DENIALS, importDenials } from './denials.ts';
import { HYBRID_TABLES, hybridRule } from './hybrid.ts';
import type { ImportContext } from './import-context.ts';
import { RUNS, runRule } from './pulse.ts';
import type { LegacySource } from './receipt.ts';
import { MESSAGE_TRACES, MESSAGES, messageRule, spanRule } from './relay.ts';
import { importSchedules, readSchedulesFile } from './schedules.ts';
import { copySource, type SourceFile } from './source-file.ts';
import { inspectCopy, type Layout } from './source-layout.ts';
import { importTable } from './table-import.ts';
import { olderColumns } from './table-rule.ts';

/** A source that was read far enough to be imported. */
export interface OpenSource {
  /** `PRAGMA user_version`; null for schedules.json. */
  readonly version: number | null;
  readonly isHybrid: boolean;
  /** The copy that is to be attached; absent for schedules.json. */
  readonly copy?: string;
  /** Tables and columns that are not read. */
  readonly unknown: readonly string[];
  /**
   * Imports everything, within the caller's transaction.
   *
   * @param failed The sources that could not be imported.
   * @returns Tables that wait for one of them.
   */
  readonly import: (context: ImportContext, failed: ReadonlySet<LegacySource>) => readonly string[];
}

/**
 * Opens an older file without changing it.
 *
 * @throws ImportError where it cannot be read, or is none of DorkOS.
 */
export function openSource(connection: Connection, source: LegacySource, file: SourceFile, folder: string): OpenSource {
  if (source === 'schedules.json') {
    const schedules = readSchedulesFile(file.path);
    return {
      version: null,
      isHybrid: false,
      unknown: [],
      import: (context) => {
        importSchedules(context, schedules);
        return [];
      },
    };
  }
  const own = join(folder, source.replaceAll('/', '-'));
  mkdirSync(own, { mode: FOLDER_MODE });
  const copy = copySource(connection, file, own);
  const layout = inspectCopy(connection, copy, source, file.path);
  const { version, isHybrid, unknown } = layout;
  return {
    version,
    isHybrid,
    unknown,
    copy,
    import: (context, failed) => {
      importOlderTables(context, layout);
      return importHybridTables(context, layout, failed);
    },
  };
}

function importOlderTables(context: ImportContext, { source, tables }: Layout): void {
  const columnsOf = (table: string): ReadonlySet<string> => tables.get(table) ?? new Set();
  const older = (table: string) => olderColumns(columnsOf(table));
  if (source === 'pulse.db') importTable(context, runRule(older(RUNS.table)));
  if (source === 'mesh/mesh.db') {
    const { columns, laterColumns } = AGENTS;
    const present = [...columns, ...laterColumns].filter((column) => columnsOf(AGENTS.table).has(column));
    if (tables.has(AGENTS.table)) importAgents(context, present);
    if (tables.has(DENIALS.table)) importDenials(context);
    if (tables.has(BUDGET_COUNTERS.table)) importBuckets(context, BUDGET_COUNTERS.table, 'call_count');
  }
  if (source !== 'relay/index.db') return;
  if (tables.has(MESSAGES.table)) importTable(context, messageRule(older(MESSAGES.table)));
  if (tables.has(MESSAGE_TRACES.table)) importTable(context, spanRule(older(MESSAGE_TRACES.table)));
}

function importHybridTables(
  context: ImportContext,
  { isHybrid, tables }: Layout,
  failed: ReadonlySet<LegacySource>,
): string[] {
  const waiting: string[] = [];
  for (const table of isHybrid ? HYBRID_TABLES : []) {
    const columns = tables.get(table.name);
    const awaited = table.waitsFor.find((other) => failed.has(other));
    if (!columns) continue;
    if (awaited) waiting.push(`${table.name} (waits for ${awaited})`);
    else if (table.kind === 'bucket') importBuckets(context, table.name, 'count', true);
    else importTable(context, hybridRule(table, olderColumns(columns)));
  }
  return waiting;
}
