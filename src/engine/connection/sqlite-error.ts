import {
  ConstraintError,
  type ConstraintKind,
  DatabaseBusyError,
  DatabaseOpenError,
  DorkDbError,
  InvalidInputError,
} from '../errors.ts';
import { checkOwner } from '../hints.ts';
import { codeOf, isError, isSystemError } from '../realm.ts';

/** An error of any driver, with SQLite's extended result code by name. https://sqlite.org/rescode.html */
interface DriverError extends Error {
  readonly code: string;
}

const KINDS: Record<string, ConstraintKind> = {
  SQLITE_CONSTRAINT_UNIQUE: 'unique',
  SQLITE_CONSTRAINT_PRIMARYKEY: 'unique',
  SQLITE_CONSTRAINT_ROWID: 'unique',
  SQLITE_CONSTRAINT_FOREIGNKEY: 'foreign_key',
  SQLITE_CONSTRAINT_NOTNULL: 'not_null',
  SQLITE_CONSTRAINT_CHECK: 'check',
  SQLITE_CONSTRAINT_DATATYPE: 'check',
};

/** The meaning of a result code in plain words, and a hint. */
const MEANINGS: Record<string, { means: string; hint: string }> = {
  SQLITE_FULL: {
    means: 'the disk is full, or the file has reached its maximum size',
    hint: 'Make room and try again; the file is unchanged.',
  },
  SQLITE_IOERR: {
    means: 'the system could not read or write the file',
    hint: 'Check the disk, its free space and its limits, then try again.',
  },
  SQLITE_READONLY_ROLLBACK: {
    means: 'a process died while it wrote, and this connection only reads, so it cannot roll the -journal back',
    hint: 'Open the file once for writing, which rolls the -journal back.',
  },
  SQLITE_READONLY: {
    means: 'the file cannot be written',
    hint: checkOwner('the file, its -wal, its -shm and its folder'),
  },
  SQLITE_PERM: {
    means: 'the system refused access',
    hint: checkOwner('the file and its folder'),
  },
  SQLITE_CANTOPEN: {
    means: 'the file, its -wal or its -shm could not be opened',
    hint: checkOwner('the three files and their folder'),
  },
  SQLITE_CORRUPT: {
    means: 'the file is damaged',
    hint: 'Do not write to it: copy the file with its -wal, then restore the newest backup.',
  },
  SQLITE_NOTADB: {
    means: 'the file is not a SQLite database',
    hint: 'Pass the path of a database; the file was not changed.',
  },
  SQLITE_TOOBIG: { means: 'a value is larger than SQLite stores (1 GB)', hint: 'Store less in one value.' },
  SQLITE_NOMEM: { means: 'memory ran out', hint: 'Free memory and try again.' },
};

const OPENING = new Set(['SQLITE_CANTOPEN', 'SQLITE_NOTADB', 'SQLITE_CORRUPT', 'SQLITE_PERM']);

function isDriverError(error: unknown): error is DriverError {
  return codeOf(error)?.startsWith('SQLITE_') ?? false;
}

/** `SQLITE_IOERR_WRITE` belongs to `SQLITE_IOERR`. */
export function primaryCode(code: string): string {
  return code.split('_').slice(0, 2).join('_');
}

/** Returns true for every form of SQLITE_BUSY: another connection holds a lock. */
export function isBusy(error: unknown): boolean {
  if (error instanceof DatabaseBusyError) return true;
  return isDriverError(error) && ['SQLITE_BUSY', 'SQLITE_LOCKED'].includes(primaryCode(error.code));
}

/**
 * Returns the typed error for an error of a driver. An error that is typed already, and a TypeError for a value of the
 * wrong JavaScript type, are returned unchanged.
 *
 * @param doing The beginning of the message, e.g. `Opening` or `A statement on`.
 */
export function typedError(error: unknown, doing: string, filename: string): unknown {
  if (error instanceof DorkDbError) return error;
  if (isError(error) && error.name === 'RangeError')
    return new InvalidInputError('statement', `was refused by the driver: ${error.message}`, { cause: error });
  if (isSystemError(error)) {
    const { code, message } = error;
    const text = `${doing} ${filename} failed: ${message}. Nothing was changed by it.`;
    return new DorkDbError(code, text, { hint: 'Check the disk and its free space, then try again.', cause: error });
  }
  if (!isDriverError(error)) return error;
  const { code, message } = error;
  const kind = KINDS[code];
  if (kind) {
    return new ConstraintError(kind, code, `${message} (${filename}). The statement changed nothing.`, {
      hint: 'Change the values so that they satisfy the constraint in the message.',
      cause: error,
    });
  }
  if (isBusy(error)) {
    return new DatabaseBusyError(code, `Another connection holds ${filename}: ${message}. Nothing was written.`, {
      hint: 'Try again. If it stays locked, look for a process that keeps a transaction open.',
      retryable: true,
      cause: error,
    });
  }
  const primary = primaryCode(code);
  const meaning = MEANINGS[code] ?? MEANINGS[primary];
  const text = `${doing} ${filename} failed${meaning ? `: ${meaning.means}` : ''} (${code}: ${message}). Nothing was changed by it.`;
  const details = { hint: meaning?.hint ?? 'Compare the statement with the schema of the file.', cause: error };
  return doing === 'Opening' && OPENING.has(primary)
    ? new DatabaseOpenError(code, text, details)
    : new DorkDbError(code, text, details);
}

/** Returns the error for statements of a transaction that SQLite has rolled back itself. */
export function rolledBack(filename: string, cause: unknown): DorkDbError {
  return new DorkDbError('ROLLED_BACK', `SQLite rolled the transaction on ${filename} back. Nothing of it is kept.`, {
    hint: 'Let the first error leave the transaction, correct its cause, and run the transaction again.',
    cause,
  });
}
