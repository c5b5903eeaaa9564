import type { Connection } from '../connection/connection.ts';
import { isBytes } from '../realm.ts';

/** A value as text for display. */
export interface Cell {
  readonly type: 'null' | 'integer' | 'real' | 'text' | 'blob';
  /**
   * All digits of a number; text with U+FFFD for invalid characters; a blob in hexadecimal; `''` for null. At most the
   * first 2048 bytes of a text, and 32 of a blob.
   */
  readonly text: string;
  /** Size of a text or a blob in bytes. */
  readonly bytes?: number;
  /** True if `text` is truncated. */
  readonly isCut?: true;
}

/** Maximum number of bytes to read. */
const CELL_BYTES = 2048;
const BLOB_BYTES = 32;

/**
 * Returns the three result columns that {@link cellOf} needs for an expression. Long values are not read completely.
 */
export function cellColumns(expression: string): string {
  return `typeof(${expression}), octet_length(${expression}), CASE typeof(${expression})
    WHEN 'text' THEN substr(CAST(${expression} AS BLOB), 1, ${CELL_BYTES})
    WHEN 'blob' THEN substr(${expression}, 1, ${BLOB_BYTES})
    WHEN 'integer' THEN CAST(${expression} AS TEXT)
    WHEN 'real' THEN format('%!.17g', ${expression}) END`;
}

/** Returns the decoder for the texts of a database. https://sqlite.org/pragma.html#pragma_encoding */
export function decoderOf(connection: Connection): (bytes: Uint8Array) => string {
  const encoding = String(connection.pragma('encoding', { simple: true })).toLowerCase();
  const label = encoding === 'utf-16le' ? 'utf-16le' : encoding === 'utf-16be' ? 'utf-16be' : 'utf-8';
  // As a stream, so that an incomplete character at the end is dropped.
  return (bytes) => new TextDecoder(label, { ignoreBOM: true }).decode(bytes, { stream: true });
}

/** Creates a cell from the values of the three columns of {@link cellColumns}. */
export function cellOf(type: unknown, bytes: unknown, value: unknown, decode: (bytes: Uint8Array) => string): Cell {
  const kind = type as Cell['type'];
  if (kind !== 'text' && kind !== 'blob') return { type: kind, text: value === null ? '' : String(value) };
  const given = isBytes(value) ? value : new Uint8Array();
  const text = kind === 'text' ? decode(given) : Buffer.from(given).toString('hex');
  return { type: kind, text, bytes: Number(bytes), ...(given.length < Number(bytes) && { isCut: true }) };
}
