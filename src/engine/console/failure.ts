import { DatabaseBusyError, DorkDbError } from '../errors.ts';
import { holdersInWords } from '../file/file-locks.ts';
import { messageOf } from '../realm.ts';
import type { Block } from './blocks.ts';

/** Returns the block that is shown instead of a view if its file is unreadable. */
export function failureOf(error: unknown, filename: string): Block {
  const hint = error instanceof DorkDbError ? error.hint : undefined;
  const holders = error instanceof DatabaseBusyError ? holdersInWords(filename, error.message) : undefined;
  const text = holders === undefined ? messageOf(error) : `${messageOf(error)} ${holders}`;
  return { kind: 'verdict', tone: 'error', text, ...(hint && { hint }) };
}
