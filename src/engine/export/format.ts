import * as v from 'valibot';
import { late } from '../input.ts';
import { stampOf } from '../time.ts';

/** The version of the form that an export has. */
export const FORMAT = 1;

/** The file that names everything else of an export. */
export const MANIFEST = 'export.json';

/** `notes-export-20261122T093000000Z`: the folder of an export that was given no name. */
export function exportName(stem: string, at: Date): string {
  return `${stem}-export-${stampOf(at)}`;
}

/** True for the name of an export of the database with this stem. */
export function isExportName(name: string, stem: string): boolean {
  return name.startsWith(`${stem}-export-`) && /^\d{8}T\d{9}Z$/.test(name.slice(stem.length + 8));
}

/** A longer name of a table is cut in the names of its files: a file system takes 255 bytes. */
const LONGEST = 150;

/** The name of a table's files, without their endings: `a/b` is `a%2Fb`. No two tables of a database have the same. */
export function fileStem(table: string): string {
  const safe = table.replaceAll(/[^\w-]/gu, (sign) =>
    [...Buffer.from(sign)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
  if (safe.length <= LONGEST) return safe;
  const hash = process.getBuiltinModule('node:crypto').createHash('sha256').update(table).digest('hex');
  return `${safe.slice(0, LONGEST)}~${hash.slice(0, 8)}`;
}

const FILE = /^[\w%~-]+\.(jsonl|schema\.json)$/;
const file = () => v.pipe(v.string(), v.regex(FILE, 'is not the name of a file of an export'));
const count = () => v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const sha256 = () => v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'is not a SHA-256'));

/** What `export.json` holds. */
export const manifestSchema = late(() =>
  v.object({
    format: v.literal(FORMAT, `is not ${FORMAT}: the export was made by another version`),
    /** The name of the definition. */
    database: v.string(),
    exportedAt: v.string(),
    /** False if only some tables were asked for. */
    isWhole: v.boolean(),
    /** How SQLite keeps text in the database: `$text` has bytes of it. */
    encoding: v.picklist(['UTF-8', 'UTF-16le', 'UTF-16be']),
    /** The applied migrations by their hashes, oldest first. */
    migrations: v.array(v.string()),
    tables: v.array(
      v.object({
        table: v.string(),
        file: file(),
        schema: file(),
        rows: count(),
        bytes: count(),
        sha256: sha256(),
        /** The last id that AUTOINCREMENT gave. */
        lastId: v.optional(v.pipe(v.string(), v.regex(/^-?\d{1,19}$/, 'is not an integer'))),
      }),
    ),
    /** Tables that hold nothing of their own. */
    leftOut: v.array(v.object({ table: v.string(), reason: v.string() })),
  }),
);

export type Manifest = v.InferOutput<ReturnType<typeof manifestSchema>>;

/** What a table's schema file holds. */
export const tableSchema = late(() =>
  v.object({
    table: v.string(),
    /** In the order that the rows have them. */
    columns: v.array(
      v.object({
        name: v.string(),
        /** As it is declared; empty if it is not. */
        type: v.string(),
        notNull: v.boolean(),
        /** The place in the primary key, from 1; 0 if it is no part of it. */
        primaryKey: count(),
      }),
    ),
    /** Columns that SQLite computes from others. */
    generated: v.array(v.string()),
    /** The statements that made the table and its indexes. */
    sql: v.array(v.string()),
  }),
);

export type TableSchema = v.InferOutput<ReturnType<typeof tableSchema>>;
