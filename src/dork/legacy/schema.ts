import { check, index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { isJson, oneOf } from '../../stores/columns.ts';

/** The older files by their path in a DorkOS home. */
export const OLDER_SOURCES = ['schedules.json', 'pulse.db', 'relay/index.db', 'mesh/mesh.db'] as const;

/** The sources of an import. `dork.db` is that of a DorkOS release, wherever it is. */
export const LEGACY_SOURCES = [...OLDER_SOURCES, 'dork.db'] as const;

/** The imports of older files: one row per source and import. */
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
    /** JSON object: the receipt, with every row that was changed or not imported. */
    receiptJson: text('receipt_json').notNull(),
  },
  (table) => [
    check('legacy_imports_source', oneOf('source', LEGACY_SOURCES)),
    check('legacy_imports_receipt_json', isJson('receipt_json')),
    // For the last import of a source.
    index('legacy_imports_source_started').on(table.source, table.startedAt),
  ],
);

/** The kinds of rows of the older files. */
export const LEGACY_KINDS = ['schedule', 'run', 'message', 'span', 'agent', 'denial', 'bucket'] as const;

/**
 * One row for each row imported from an older file. With it, a later import detects which rows are new in the older file,
 * and which were changed or deleted here. The table is WITHOUT ROWID, which drizzle-kit cannot express.
 */
export const legacyRows = sqliteTable(
  'legacy_rows',
  {
    kind: text('kind', { enum: LEGACY_KINDS }).notNull(),
    /** The row's id in the older file. */
    id: text('id').notNull(),
    /**
     * The fingerprint of the imported row (for a bucket, its count). For a row that is not from an older file, its origin
     * follows, and for a release also when that was last in use: `… release 20261122T093000000Z`. `own` for a row that
     * dork.db had before.
     */
    state: text('state').notNull(),
  },
  (table) => [primaryKey({ columns: [table.kind, table.id] }), check('legacy_rows_kind', oneOf('kind', LEGACY_KINDS))],
);

/** A row of `legacy_imports`. */
export type LegacyImportRow = typeof legacyImports.$inferSelect;
/** A row of `legacy_rows`. */
export type LegacyRow = typeof legacyRows.$inferSelect;
