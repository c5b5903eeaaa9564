import { mkdtempSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Connection } from '../../engine/connection/connection.ts';
import { AGENTS, importAgents } from './agents.ts';
import { BUDGET_COUNTERS, importBuckets } from './buckets.ts';
import { DENIALS, importDenials } from './denials.ts';
import { HYBRID_TABLES, type HybridTable, hybridRule } from './hybrid.ts';
import type { ImportContext, Steps } from './import-context.ts';
import { runAdmission } from './orphans.ts';
import { RUN_RULE, RUNS } from './pulse.ts';
import type { LegacySource } from './receipt.ts';
import { MESSAGE_RULE, SPAN_RULE } from './relay.ts';
import { importSchedules, readSchedulesFile } from './schedules.ts';
import { copySource, type SourceFile } from './source-file.ts';
import { inspectCopy, type Layout, type PresentTable } from './source-layout.ts';
import { importTable } from './table-import.ts';

/** A source that is ready to import. */
export interface OpenSource {
  /** `PRAGMA user_version`; null for schedules.json. */
  readonly version: number | null;
  readonly isHybrid: boolean;
  /** The path of the private copy; absent for schedules.json. */
  readonly copy?: string;
  /** Rows of each table that is read; empty for schedules.json. */
  readonly totals: ReadonlyMap<string, number>;
  /** Tables and columns that are not read. */
  readonly unknown: readonly string[];
  /**
   * Imports everything, one row per step.
   *
   * @param failed The sources that could not be imported.
   * @returns The steps, and the tables that wait for one of those sources.
   */
  readonly import: (context: ImportContext, failed: ReadonlySet<LegacySource>) => { steps: Steps; waiting: string[] };
}

/**
 * Opens an older file without changing it.
 *
 * @throws ImportError if the file is unreadable, or is not a file of DorkOS.
 */
export function openSource(connection: Connection, source: LegacySource, file: SourceFile, folder: string): OpenSource {
  if (source === 'schedules.json') {
    const schedules = readSchedulesFile(file.path);
    return {
      version: null,
      isHybrid: false,
      totals: new Map(),
      unknown: [],
      import: (context) => ({ steps: importSchedules(context, schedules), waiting: [] }),
    };
  }
  const own = mkdtempSync(join(folder, `${basename(file.path)}-`));
  const copy = copySource(connection, file, own);
  const layout = inspectCopy(connection, copy, source, file.path);
  const { version, isHybrid, unknown } = layout;
  return {
    version,
    isHybrid,
    totals: new Map([...layout.tables].map(([table, { rows }]) => [table, rows])),
    unknown,
    copy,
    import: (context, failed) => {
      const hasNewer = isHybrid || source === 'dork.db';
      const newer = hasNewer ? HYBRID_TABLES.filter(({ name }) => layout.tables.has(name)) : [];
      // A release is newer than the sources that a hybrid file waits for.
      const waitsFor = (table: HybridTable) =>
        isHybrid ? table.waitsFor.find((other) => failed.has(other)) : undefined;
      return {
        steps: importTables(
          context,
          layout,
          newer.filter((table) => !waitsFor(table)),
        ),
        waiting: newer.filter(waitsFor).map((table) => `${table.name} (waits for ${waitsFor(table)})`),
      };
    },
  };
}

function* importTables(context: ImportContext, { source, tables }: Layout, newer: readonly HybridTable[]): Steps {
  const columnsOf = (table: string): ReadonlySet<string> => tables.get(table)?.columns ?? new Set();
  if (source === 'pulse.db') yield* importTable(context, RUN_RULE, columnsOf(RUNS.table), runAdmission(context));
  if (source === 'mesh/mesh.db') {
    const { columns, laterColumns } = AGENTS;
    const present = [...columns, ...laterColumns].filter((column) => columnsOf(AGENTS.table).has(column));
    if (tables.has(AGENTS.table)) yield* importAgents(context, present);
    if (tables.has(DENIALS.table)) yield* importDenials(context);
    if (tables.has(BUDGET_COUNTERS.table)) yield* importBuckets(context, BUDGET_COUNTERS.table, 'call_count', 'older');
  }
  if (source === 'relay/index.db') {
    for (const rule of [MESSAGE_RULE, SPAN_RULE]) {
      if (tables.has(rule.from)) yield* importTable(context, rule, columnsOf(rule.from));
    }
  }
  const origin = source === 'dork.db' ? 'release' : 'copy';
  for (const table of newer) {
    const { columns, key } = tables.get(table.name) as PresentTable;
    if (table.kind === 'bucket') yield* importBuckets(context, table.name, 'count', origin);
    else {
      const admit = table.kind === 'run' ? runAdmission(context) : undefined;
      yield* importTable(context, hybridRule(table, columns, key, origin), columns, admit);
    }
  }
}
