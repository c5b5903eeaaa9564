import {
  ConstraintError,
  type ConstraintKind,
  DatabaseBusyError,
  DatabaseOpenError,
  DorkDbError,
  InvalidInputError,
} from '../errors.ts';
import { codeOf, isError, isSystemError } from '../realm.ts';

/** What both drivers' errors carry: SQLite's extended result code by name. https://sqlite.org/rescode.html */
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

/** What a primary result code means to whoever reads it, and what to do about it. */
const MEANINGS: Record<string, { means: string; hint: string }> = {
  SQLITE_FULL: {
    means: 'the disk, or the size the file may have, is full',
    hint: 'Make room and call again; the file is as it was before.',
  },
  SQLITE_IOERR: {
    means: 'the system could not read or write the file',
    hint: 'Look at the disk, its free space and its limits, then call again.',
  },
  SQLITE_READONLY_ROLLBACK: {
    means: 'a process died while it wrote, its -journal is to be rolled back, and this connection only reads',
    hint: 'Open the file once for writing, which makes it whole.',
  },
  SQLITE_READONLY: {
    means: 'the file cannot be written',
    hint: 'Look at the owner and the mode of the file, its -wal, its -shm and its folder.',
  },
  SQLITE_PERM: {
    means: 'the system refused access',
    hint: 'Look at the owner and the mode of the file and its folder.',
  },
  SQLITE_CANTOPEN: {
    means: 'the file, its -wal or its -shm could not be opened',
    hint: 'Look at the owner and the mode of the three files and their folder.',
  },
  SQLITE_CORRUPT: {
    means: 'the file is damaged',
    hint: 'Do not write to it: copy the file with its -wal, then restore the newest backup.',
  },
  SQLITE_NOTADB: {
    means: 'the file is not a SQLite database',
    hint: 'Give the path of a database; the file was not changed.',
  },
  SQLITE_TOOBIG: { means: 'a value is larger than SQLite stores (1 GB)', hint: 'Store less in one value.' },
  SQLITE_NOMEM: { means: 'memory ran out', hint: 'Free memory and call again.' },
};

const OPENING = new Set(['SQLITE_CANTOPEN', 'SQLITE_NOTADB', 'SQLITE_CORRUPT', 'SQLITE_PERM']);

function isDriverError(error: unknown): error is DriverError {
  return codeOf(error)?.startsWith('SQLITE_') ?? false;
}

/** `SQLITE_IOERR_WRITE` belongs to `SQLITE_IOERR`. */
export function primaryCode(code: string): string {
  return code.split('_').slice(0, 2).join('_');
}

/** True for SQLITE_BUSY in all its forms: another connection is in the way. */
export function isBusy(error: unknown): boolean {
  if (error instanceof DatabaseBusyError) return true;
  return isDriverError(error) && ['SQLITE_BUSY', 'SQLITE_LOCKED'].includes(primaryCode(error.code));
}

/**
 * The typed error for whatever a driver threw; an error that is typed already, and a TypeError for a value of the
 * wrong JavaScript type, pass through.
 *
 * @param doing What was being done, as the beginning of a message: `Opening`, `A statement on`.
 */
export function typedError(error: unknown, doing: string, filename: string): unknown {
  if (error instanceof DorkDbError) return error;
  if (isError(error) && error.name === 'RangeError')
    return new InvalidInputError('statement', `was refused by the driver: ${error.message}`, { cause: error });
  if (isSystemError(error)) {
    const { code, message } = error;
    const text = `${doing} ${filename} failed: ${message}. Nothing was changed by it.`;
    return new DorkDbError(code, text, { hint: 'Check the disk and its free space, then call again.', cause: error });
  }
  if (!isDriverError(error)) return error;
  const { code, message } = error;
  const kind = KINDS[code];
  if (kind) {
    return new ConstraintError(kind, code, `${message} (${filename}). The statement changed nothing.`, {
      hint: 'Change the values so that they fit the rule that the message names.',
      cause: error,
    });
  }
  if (isBusy(error)) {
    return new DatabaseBusyError(code, `Another connection holds ${filename}: ${message}. Nothing was written.`, {
      hint: 'Call again; if it stays, look for a process that keeps a transaction open.',
      retryable: true,
      cause: error,
    });
  }
  const primary = primaryCode(code);
  const meaning = MEANINGS[code] ?? MEANINGS[primary];
  const text = `${doing} ${filename} failed${meaning ? `: ${meaning.means}` : ''} (${code}: ${message}). Nothing was changed by it.`;
  const details = { hint: meaning?.hint ?? 'Look at the statement and at the schema of the file.', cause: error };
  return doing === 'Opening' && OPENING.has(primary)
    ? new DatabaseOpenError(code, text, details)
    : new DorkDbError(code, text, details);
}

/** The error of a statement after SQLite gave up the transaction that it belongs to. */
export function rolledBack(filename: string, cause: unknown): DorkDbError {
  return new DorkDbError('ROLLED_BACK', `SQLite rolled the transaction on ${filename} back. Nothing of it is kept.`, {
    hint: 'Let the first error leave the transaction, mend what it names, and run the transaction again.',
    cause,
  });
}
