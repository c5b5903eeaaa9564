/** Details of every error of this package, in addition to its message. */
export interface ErrorDetails {
  /** What to do next, in one sentence. */
  readonly hint: string;
  /** True if the same call may succeed later without any change. Default false. */
  readonly retryable?: boolean;
  /** The driver's or the system's own error. */
  readonly cause?: unknown;
}

/**
 * The base class of every error of this package, except for the TypeError that a wrong JavaScript type causes. The
 * message contains what failed, on which file, and what was not changed. It never contains a row's content.
 */
export class DorkDbError extends Error {
  // Set explicitly in each class: a bundler renames classes, and `new.target.name` with them.
  override readonly name: string = 'DorkDbError';
  /** A stable name for programs: SQLite's extended result code (e.g. `SQLITE_FULL`) or one of this package. */
  readonly code: string;
  /** What to do next. */
  readonly hint: string;
  /** True if the same call may succeed later without any change. */
  readonly retryable: boolean;

  constructor(code: string, message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.retryable = details.retryable ?? false;
  }

  /** Returns the fields that `--json` prints. */
  toJSON(): { name: string; code: string; message: string; hint: string; retryable: boolean } {
    return { name: this.name, code: this.code, message: this.message, hint: this.hint, retryable: this.retryable };
  }
}

/** The file could not be opened as a database of its definition. Nothing was created, renamed, repaired or deleted. */
export class DatabaseOpenError extends DorkDbError {
  override readonly name = 'DatabaseOpenError';
}

/** Another connection held the lock for longer than the busy timeout. Nothing was written. Always retryable. */
export class DatabaseBusyError extends DorkDbError {
  override readonly name = 'DatabaseBusyError';
}

/** The kind of the violated constraint. */
export type ConstraintKind = 'unique' | 'foreign_key' | 'not_null' | 'check';

/** A write violated a constraint of the schema. The statement changed nothing. */
export class ConstraintError extends DorkDbError {
  override readonly name = 'ConstraintError';
  readonly kind: ConstraintKind;

  constructor(kind: ConstraintKind, code: string, message: string, details: ErrorDetails) {
    super(code, message, details);
    this.kind = kind;
  }
}

/** The reason why the migration runner refused. */
export type MigrationErrorKind =
  | 'edited'
  | 'out_of_order'
  | 'newer_database'
  | 'pending'
  | 'data_loss'
  | 'foreign_keys'
  | 'failed';

/** A migration was refused or failed. The database is unchanged. */
export class MigrationError extends DorkDbError {
  override readonly name = 'MigrationError';
  readonly kind: MigrationErrorKind;

  constructor(kind: MigrationErrorKind, message: string, details: ErrorDetails) {
    super(`MIGRATION_${kind.toUpperCase()}`, message, details);
    this.kind = kind;
  }
}

/** An older file could not be imported. The older file was not changed, and nothing was imported from it. */
export class ImportError extends DorkDbError {
  override readonly name = 'ImportError';
}

/** An export could not be created or read. The database or the export was not changed, and no new one was created. */
export class ExportError extends DorkDbError {
  override readonly name = 'ExportError';
}

/** A backup could not be created or is invalid. The database was not changed. */
export class BackupError extends DorkDbError {
  override readonly name = 'BackupError';
}

/** A restore was refused or failed. The previous file is unchanged. */
export class RestoreError extends DorkDbError {
  override readonly name = 'RestoreError';
}

/** An argument is invalid. Nothing was written. */
export class InvalidInputError extends DorkDbError {
  override readonly name = 'InvalidInputError';
  /** The field, e.g. `cron` or `budget.maxCallsPerHour`, or the argument, e.g. `id`. */
  readonly field: string;

  constructor(field: string, problem: string, details: Partial<ErrorDetails> = {}) {
    super('INVALID_INPUT', `${field} ${problem}. Nothing was written.`, {
      hint: `Pass a valid value for ${field} and try again.`,
      ...details,
    });
    this.field = field;
  }
}

/** The connection is already closed. Nothing was read or written. */
export class ClosedError extends DorkDbError {
  override readonly name = 'ClosedError';
  constructor(filename: string) {
    super('CLOSED', `The connection to ${filename} is closed.`, {
      hint: 'Open the file again with createDb(), and close it only after its last use.',
    });
  }
}

/** This runtime cannot run the driver, or the package's files are gone (`PACKAGE_REPLACED`). Nothing was opened. */
export class UnsupportedRuntimeError extends DorkDbError {
  override readonly name = 'UnsupportedRuntimeError';
}
