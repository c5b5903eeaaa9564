import { check, index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { isJson, oneOf } from '../core/columns.ts';

/** The older files, by their place in a DorkOS home. */
export const LEGACY_SOURCES = ['schedules.json', 'pulse.db', 'relay/index.db', 'mesh/mesh.db'] as const;

/** What was imported from the older files: one row a source and import. */
export const legacyImports = sqliteTable(
  'legacy_imports',
  {
    id: text('id').primaryKey(),
    source: text('source', { enum: LEGACY_SOURCES }).notNull(),
    /** The file, absolute. */
    path: text('path').notNull(),
    startedAt: text('started_at').notNull(),
    finishedAt: text('finished_at').notNull(),
    rowsRead: integer('rows_read').notNull(),
    rowsImported: integer('rows_imported').notNull(),
    rowsSkipped: integer('rows_skipped').notNull(),
    /** JSON object: what became of every row that was not taken as it came. */
    receiptJson: text('receipt_json').notNull(),
  },
  (table) => [
    check('legacy_imports_source', oneOf('source', LEGACY_SOURCES)),
    check('legacy_imports_receipt_json', isJson('receipt_json')),
    // The last import of a source.
    index('legacy_imports_source_started').on(table.source, table.startedAt),
  ],
);

export type LegacyImportRow = typeof legacyImports.$inferSelect;
