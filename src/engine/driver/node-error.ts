import { isError } from '../realm.ts';
import { RESULT_CODES, resultCode } from './result-codes.ts';

/** Sets the `code` of an error of node:sqlite to the name of SQLite's extended result code, which it has as a number. */
export function named(error: unknown): unknown {
  if (isError(error) && 'errcode' in error && typeof error.errcode === 'number') {
    Object.assign(error, { code: resultCode(error.errcode) });
  }
  return error;
}

/** Source of a function like {@link named}, for a thread. */
export const NAMED = `(error) => {
  const codes = ${JSON.stringify(RESULT_CODES)};
  if (typeof error.errcode === 'number') error.code = codes[error.errcode] ?? codes[error.errcode & 0xff] ?? 'SQLITE_ERROR';
  return error;
}`;
