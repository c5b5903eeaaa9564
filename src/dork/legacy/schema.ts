import { check, index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { isJson, oneOf } from '../../stores/columns.ts';

/** The older files by their place in a DorkOS home. */
export const OLDER_SOURCES = ['schedules.json', 'pulse.db', 'relay/index.db', 'mesh/mesh.db'] as const;

/** All that can be imported; `dork.db` is the one of a DorkOS release, wherever it is. */
export const LEGACY_SOURCES = [...OLDER_SOURCES, 'dork.db'] as const;

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

/** What a row of an older file becomes. */
export const LEGACY_KINDS = ['schedule', 'run', 'message', 'span', 'agent', 'denial', 'bucket'] as const;

/**
 * The rows that were taken from older files, one each: with it a second import tells what the older file has got since,
 * what was changed here, and what was deleted here. WITHOUT ROWID in the file, which drizzle-kit does not write.
 */
export const legacyRows = sqliteTable(
  'legacy_rows',
  {
    kind: text('kind', { enum: LEGACY_KINDS }).notNull(),
    /** The id that the row had in the older file. */
    id: text('id').notNull(),
    /**
     * Fingerprint of the row as it was imported (of a bucket the count), where it came from if not from an older file, and
     * when that release was last in use: `… release 20261122T093000000Z`. `own` for a row that dork.db had before.
     */
    state: text('state').notNull(),
  },
  (table) => [primaryKey({ columns: [table.kind, table.id] }), check('legacy_rows_kind', oneOf('kind', LEGACY_KINDS))],
);

/** A row of `legacy_imports`. */
export type LegacyImportRow = typeof legacyImports.$inferSelect;
/** A row of `legacy_rows`. */
export type LegacyRow = typeof legacyRows.$inferSelect;
