import * as v from 'valibot';
import { late } from '../input.ts';
import { stampOf } from '../time.ts';

/** The version of the export format. */
export const FORMAT = 1;

/** The file that lists all other files of an export. */
export const MANIFEST = 'export.json';

/** Returns the default folder name of an export, e.g. `notes-export-20261122T093000000Z`. */
export function exportName(stem: string, at: Date): string {
  return `${stem}-export-${stampOf(at)}`;
}

/** Returns true for the name of an export of a database with this stem. */
export function isExportName(name: string, stem: string): boolean {
  return name.startsWith(`${stem}-export-`) && /^\d{8}T\d{9}Z$/.test(name.slice(stem.length + 8));
}

/** A longer table name is truncated in file names, because a file system allows 255 bytes. */
const LONGEST = 150;

/**
 * Returns the name of a table's files without their extensions, e.g. `a%2Fb` for `a/b`. It is unique for each table of
 * a database.
 */
export function fileStem(table: string): string {
  const safe = table.replaceAll(/[^\w-]/gu, (sign) =>
    [...Buffer.from(sign)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
  if (safe.length <= LONGEST) return safe;
  const hash = process.getBuiltinModule('node:crypto').createHash('sha256').update(table).digest('hex');
  return `${safe.slice(0, LONGEST)}~${hash.slice(0, 8)}`;
}

const FILE = /^[\w%~-]+\.(jsonl|schema\.json)$/;
const file = () => v.pipe(v.string(), v.regex(FILE, 'must be a file name of an export'));
const count = () => v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const sha256 = () => v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'must be a SHA-256'));

/** The content of `export.json`. */
export const manifestSchema = late(() =>
  v.object({
    format: v.literal(FORMAT, `must be ${FORMAT}: the export was made by another version`),
    /** The name of the definition. */
    database: v.string(),
    exportedAt: v.string(),
    /** False if only some tables were exported. */
    isWhole: v.boolean(),
    /** SQLite's text encoding in the database, which `$text` uses. */
    encoding: v.picklist(['UTF-8', 'UTF-16le', 'UTF-16be']),
    /** The hashes of the applied migrations, oldest first. */
    migrations: v.array(v.string()),
    tables: v.array(
      v.object({
        table: v.string(),
        file: file(),
        schema: file(),
        rows: count(),
        bytes: count(),
        sha256: sha256(),
        /** The last id assigned by AUTOINCREMENT. */
        lastId: v.optional(v.pipe(v.string(), v.regex(/^-?\d{1,19}$/, 'must be an integer'))),
      }),
    ),
    /** Tables without data of their own. */
    leftOut: v.array(v.object({ table: v.string(), reason: v.string() })),
  }),
);

export type Manifest = v.InferOutput<ReturnType<typeof manifestSchema>>;

/** The content of a table's schema file. */
export const tableSchema = late(() =>
  v.object({
    table: v.string(),
    /** In the order of the rows. */
    columns: v.array(
      v.object({
        name: v.string(),
        /** The declared type; may be empty. */
        type: v.string(),
        notNull: v.boolean(),
        /** The position in the primary key, from 1; 0 if the column is not in it. */
        primaryKey: count(),
      }),
    ),
    /** Generated columns. */
    generated: v.array(v.string()),
    /** The statements that created the table and its indexes. */
    sql: v.array(v.string()),
  }),
);

export type TableSchema = v.InferOutput<ReturnType<typeof tableSchema>>;
