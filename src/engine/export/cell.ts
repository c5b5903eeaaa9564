import type { SqliteValue } from '../driver/adapter.ts';
import { isBytes } from '../realm.ts';

/**
 * Values as JSON. Values that JSON represents exactly are written plainly; others are an object with one key:
 * `{"$int":"…"}` for an integer beyond 2^53, `{"$real":"…"}` for a real that would read as an integer or is infinite,
 * `{"$blob":"…"}` for bytes in base64, and `{"$text":"…"}` for text that is invalid in the database's encoding, also in
 * base64.
 */

/** The numbers that a column can hold by its type, so that most numbers need no second check. */
export type NumberKind = 'integer' | 'real' | 'any';

/** https://sqlite.org/datatype3.html#determination_of_column_affinity */
export function numberKind(type: string, isStrict: boolean): NumberKind {
  const upper = type.toUpperCase();
  if (isStrict && upper === 'ANY') return 'any';
  if (upper.includes('INT')) return 'integer';
  if (/CHAR|CLOB|TEXT|BLOB/.test(upper)) return 'any';
  return /REAL|FLOA|DOUB/.test(upper) ? 'real' : 'any';
}

/** The exact content of a cell: the digits of an integer, the bytes of a text, null for all other types. */
export type ExactCell = string | Uint8Array | null;

/** @param exact Reads the cell again, if the driver's value is ambiguous. */
export function encodeCell(
  value: SqliteValue,
  kind: NumberKind,
  isValidText: (text: string, bytes: Uint8Array) => boolean,
  exact: () => ExactCell,
): string {
  if (value === null) return 'null';
  if (typeof value === 'string') {
    // Drivers return this character for invalid text.
    if (!value.includes('\ufffd')) return JSON.stringify(value);
    const bytes = exact() as Uint8Array;
    return isValidText(value, bytes) ? JSON.stringify(value) : tagged('text', base64(bytes));
  }
  if (typeof value === 'number') return encodeNumber(value, kind, exact);
  if (typeof value === 'bigint') return encodeInteger(value);
  return tagged('blob', base64(value));
}

function encodeNumber(value: number, kind: NumberKind, exact: () => ExactCell): string {
  if (!Number.isFinite(value) || Object.is(value, -0)) return tagged('real', Object.is(value, -0) ? '-0' : `${value}`);
  if (!Number.isInteger(value) || kind === 'real') return String(value);
  const isSafe = Number.isSafeInteger(value);
  if (isSafe && kind === 'integer') return String(value);
  const digits = exact();
  if (typeof digits === 'string') return encodeInteger(BigInt(digits));
  return isSafe ? tagged('real', String(value)) : String(value);
}

function encodeInteger(value: bigint): string {
  return Number.isSafeInteger(Number(value)) ? String(value) : tagged('int', String(value));
}

function tagged(name: string, text: string): string {
  return `{"$${name}":"${text}"}`;
}

function base64({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

/** The SQL for a bound value, so that SQLite stores it with its original type. */
export type Placeholder = '?' | 'CAST(? AS REAL)' | 'CAST(? AS TEXT)';

export interface BoundCell {
  readonly sql: Placeholder;
  readonly value: SqliteValue;
}

const INT64_MAX = 2n ** 63n - 1n;

/** Converts a JSON value; returns undefined if {@link encodeCell} would not have written it. */
export function decodeCell(json: unknown): BoundCell | undefined {
  if (json === null) return { sql: '?', value: null };
  if (typeof json === 'string') return json.isWellFormed() ? { sql: '?', value: json } : undefined;
  if (typeof json === 'number') return ofNumber(json);
  if (typeof json !== 'object' || Array.isArray(json) || isBytes(json)) return undefined;
  const entries = Object.entries(json);
  const [name, text] = entries[0] ?? [];
  if (entries.length !== 1 || typeof text !== 'string') return undefined;
  if (name === '$int' && /^-?\d{1,19}$/.test(text)) return ofInteger(BigInt(text));
  if (name === '$real' && /^(-?Infinity|-?\d+)$/.test(text)) return { sql: 'CAST(? AS REAL)', value: Number(text) };
  if (name !== '$blob' && name !== '$text') return undefined;
  const value = Buffer.from(text, 'base64');
  // Node silently skips characters that are not base64.
  if (value.toString('base64') !== text) return undefined;
  return { sql: name === '$text' ? 'CAST(? AS TEXT)' : '?', value };
}

function ofNumber(value: number): BoundCell {
  const isReal = Object.is(value, -0) || (Number.isInteger(value) && !Number.isSafeInteger(value));
  return { sql: isReal ? 'CAST(? AS REAL)' : '?', value };
}

function ofInteger(value: bigint): BoundCell | undefined {
  return value > INT64_MAX || value < -INT64_MAX - 1n ? undefined : { sql: '?', value };
}
