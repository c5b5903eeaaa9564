import { type BackupError, ClosedError, DorkDbError, type ExportError, type RestoreError } from '../errors.ts';
import { isError } from '../realm.ts';

/**
 * What was thrown, as the error of an operation: with the code and the way out of ours, or the system's code.
 *
 * @param what What was not done, and what is as it was.
 * @param hint What to do where the error does not say.
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
