import { isError } from '../realm.ts';
import { RESULT_CODES, resultCode } from './result-codes.ts';

/** Gives an error of node:sqlite the name of SQLite's extended result code as its `code`, which it has as a number. */
export function named(error: unknown): unknown {
  if (isError(error) && 'errcode' in error && typeof error.errcode === 'number') {
    Object.assign(error, { code: resultCode(error.errcode) });
  }
  return error;
}

/** The same as the text of a function, for a thread. */
export const NAMED = `(error) => {
  const codes = ${JSON.stringify(RESULT_CODES)};
  if (typeof error.errcode === 'number') error.code = codes[error.errcode] ?? codes[error.errcode & 0xff] ?? 'SQLITE_ERROR';
  return error;
}`;
