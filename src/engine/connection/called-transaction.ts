import { DorkDbError } from '../errors.ts';

/**
 * Returns what `transaction()` gives for a function without a result: another function, since with better-sqlite3 and
 * bun:sqlite `transaction(fn)` gives one that runs the transaction. Code with that habit calls it, after the transaction
 * was committed; an exception there would make the caller write everything twice.
 *
 * Called at once it does nothing. Called later, or again, it throws: the caller expects another transaction.
 */
export function calledTransaction(filename: string): () => void {
  let isExpected = true;
  queueMicrotask(() => {
    isExpected = false;
  });
  const call = (): void => {
    if (!isExpected) throw alreadyRun(filename);
    isExpected = false;
  };
  return Object.assign(call, { deferred: call, immediate: call, exclusive: call });
}

/** A function without parameters whose body is a block: `() => {`, `function () {`, `method() {`. */
const HAS_BLOCK = /^(function\b[^(]*\(\s*\)\s*|\(\s*\)\s*=>\s*|[\w$#]+\s*\(\s*\)\s*)\{/;

/** True for a function that cannot have a result: its body is a block without `return`. */
export function hasNoResult(fn: () => unknown): boolean {
  const source = Function.prototype.toString.call(fn);
  return HAS_BLOCK.test(source) && !/\breturn\b|\[native code\]/.test(source);
}

function alreadyRun(filename: string): DorkDbError {
  return new DorkDbError(
    'ALREADY_RUN',
    `transaction() runs its function at once, and has committed this one on ${filename}. This call ran nothing.`,
    { hint: 'Call transaction(fn) each time it is to run, or wrap it: () => db.$client.transaction(fn).' },
  );
}
