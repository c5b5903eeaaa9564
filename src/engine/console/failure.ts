import { DatabaseBusyError, DorkDbError } from '../errors.ts';
import { holdersInWords } from '../file/file-locks.ts';
import { messageOf } from '../realm.ts';
import type { Block } from './blocks.ts';

/** Returns the block that is shown instead of a view if its file is unreadable. */
export function failureOf(error: unknown, filename: string): Block {
  const hint = error instanceof DorkDbError ? error.hint : undefined;
  const isLocked = error instanceof DatabaseBusyError && error.code.startsWith('SQLITE_BUSY');
  return {
    kind: 'verdict',
    tone: 'error',
    ...(isLocked ? locked(filename) : { text: messageOf(error), ...(hint && { hint }) }),
  };
}

/** Describes a file that another process has locked. Whoever looks at it calls nothing, and writes nothing. */
function locked(filename: string): { text: string; hint: string } {
  const holders = holdersInWords(filename, '');
  return {
    text: `${filename} is locked and cannot be read now.${holders === undefined ? '' : ` ${holders}`}`,
    hint: holders
      ? 'Wait. If this lasts, end the transaction of that process, or the process.'
      : 'Wait. If this lasts, look for a process that keeps a transaction open.',
  };
}
