import { type BackupError, ClosedError, DorkDbError, type ExportError, type RestoreError } from '../errors.ts';
import { isError } from '../realm.ts';

/**
 * Converts an error to the error class of an operation. The code and the hint are those of our own error, or the
 * system's code and the given hint.
 *
 * @param what What was not done, and what was not changed.
 * @param hint What to do if the error itself has no hint.
 */
export function failureOf(
  Kind: typeof BackupError | typeof RestoreError | typeof ExportError,
  error: unknown,
  what: string,
  hint: string,
): unknown {
  if (error instanceof Kind || error instanceof ClosedError || !isError(error)) return error;
  const known = error instanceof DorkDbError ? error : undefined;
  const code = known?.code ?? ('code' in error ? String(error.code) : 'FAILED');
  return new Kind(code, `${what} ${error.message}`, {
    hint: known?.hint ?? hint,
    retryable: known?.retryable ?? false,
    cause: error,
  });
}
