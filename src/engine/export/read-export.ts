import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { ExportError } from '../errors.ts';
import { statAt } from '../file/file.ts';
import { hasCode } from '../file/fs.ts';
import { checkOwner } from '../hints.ts';
import { codeOf } from '../realm.ts';
import { MANIFEST, type Manifest, manifestSchema, type TableSchema, tableSchema } from './format.ts';

/** An export whose files exist, with the columns of each table. */
export interface Source {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly tables: readonly SourceTable[];
}

export type SourceTable = Manifest['tables'][number] & Pick<TableSchema, 'columns'>;

/** Returns the error for an export that is refused. */
export function refusal(code: string, problem: string, hint = WHOLE, cause?: unknown): ExportError {
  return new ExportError(code, `${problem}. The export was not changed, and no database was made.`, { hint, cause });
}

const WHOLE = 'Copy the export again from its origin, or make a new one.';

/**
 * Reads the metadata of an export without its rows.
 *
 * @throws ExportError `NOT_AN_EXPORT`, `MISSING_FILE`, `CHANGED_EXPORT`
 */
export function openExport(folder: string): Source {
  const path = join(folder, MANIFEST);
  if (!statAt(path)?.isFile())
    throw refusal(
      'NOT_AN_EXPORT',
      `${folder} is not an export: it has no ${MANIFEST}`,
      'Pass the folder of an export.',
    );
  const manifest = parsed(path, manifestSchema());
  const tables = manifest.tables.map((table) => {
    const schema = parsed(join(folder, table.schema), tableSchema());
    if (schema.table !== table.table) throw changed(join(folder, table.schema), 'belongs to another table');
    const rows = join(folder, table.file);
    const stat = statAt(rows);
    if (!stat?.isFile()) throw refusal('MISSING_FILE', `${rows} is missing`);
    if (stat.size !== table.bytes) throw changed(rows, `has ${stat.size} bytes, not ${table.bytes}`);
    return { ...table, columns: schema.columns };
  });
  return { folder, manifest, tables };
}

export function changed(path: string, problem: string, cause?: unknown): ExportError {
  return refusal('CHANGED_EXPORT', `${path} ${problem}: it was changed after the export`, WHOLE, cause);
}

function parsed<T extends v.GenericSchema>(path: string, schema: T): v.InferOutput<T> {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) throw refusal('MISSING_FILE', `${path} is missing`);
    if (cause instanceof SyntaxError) throw changed(path, 'is invalid JSON');
    throw refusal('FILE_SYSTEM', `${path} cannot be read (${codeOf(cause)})`, checkOwner('that file'), cause);
  }
  const result = v.safeParse(schema, json, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw changed(path, `has no valid ${v.getDotPath(issue) ?? 'content'} (${issue.message})`);
}

const CHUNK = 256 * 1024;
const LINE_FEED = 10;

/** Reads the lines of a file, each with its line feed, and calls back for every chunk of bytes. */
export function* readLines(path: string, onBytes: (bytes: Buffer) => void): Generator<Buffer, void, undefined> {
  const fd = openSync(path, 'r');
  try {
    let parts: Buffer[] = [];
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      const bytes = chunk.subarray(0, readSync(fd, chunk, 0, CHUNK, null));
      if (bytes.length === 0) break;
      onBytes(bytes);
      let start = 0;
      for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
        const line = bytes.subarray(start, end + 1);
        yield parts.length > 0 ? Buffer.concat([...parts, line]) : line;
        parts = [];
        start = end + 1;
      }
      if (start < bytes.length) parts.push(bytes.subarray(start));
    }
    if (parts.length > 0) yield Buffer.concat(parts);
  } finally {
    closeSync(fd);
  }
}
