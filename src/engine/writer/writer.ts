import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { givenOrDefault, type Kit } from '../definition.ts';
import type { Adapter } from '../driver/adapter.ts';
import { DorkDbError, InvalidInputError } from '../errors.ts';
import { realFile } from '../file/file.ts';
import { statOrUndefined } from '../file/fs.ts';
import { MEMORY } from '../file/path.ts';
import { checkOwner } from '../hints.ts';
import { flagArgument, textArgument } from '../input.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import { codeOf, isSystemError } from '../realm.ts';
import { now } from '../time.ts';
import { removeMark, writeMark } from './change-mark.ts';
import { isShared, type Mark, markPath, readMark } from './mark.ts';
import { stateOf } from './state.ts';
import { beginTerm, nameFolder, newestReplica, newestTerm, replicaPath, withdrawTerm } from './terms.ts';

/** Options for `writer()`. Without any of them it only reports. */
export interface WriterOptions {
  /** The database; the file need not exist. Default: the definition's default path. */
  readonly path?: string;
  /** Joins the machines that share this folder, which must exist. From then on only the writer may write the database. */
  readonly join?: string;
  /** True to make this machine the writer, and no longer another one. Default false. */
  readonly takeOver?: boolean;
  /** True to leave: this machine's database is its own again, and may be written. Default false. */
  readonly leave?: boolean;
}

const OPTIONS: OptionNames<WriterOptions> = { path: true, join: true, takeOver: true, leave: true };

/** Which of several machines may write a database. */
export interface WriterReport {
  /** The database, absolute. */
  readonly path: string;
  /** The folder that the machines share; absent if this machine has not joined one, and may write. */
  readonly shared?: string;
  /** True if this machine may write. */
  readonly isWriter: boolean;
  /** The number of times that a machine took over; 0 before the first. */
  readonly term: number;
  /** The host name of the writer; absent if there is none. */
  readonly host?: string;
  /** When it took over. */
  readonly since?: string;
  /** The folder for the writer's replica. Each term has its own. Absent if there is no writer. */
  readonly replica?: string;
  /** The newest replica of a term before this machine's, or of the writer's; absent if there is none in `shared`. */
  readonly restoreFrom?: string;
}

/** The type of `writer()`. */
export interface Writer {
  /**
   * Reports or decides which of several machines may write a database. SQLite cannot: each machine has its own copy, and
   * a copy does not know of the others. So machines join a folder that all of them can reach. A machine that takes over
   * leaves a numbered record in it. `createDb()` and `runMigrations()` read it, and refuse to write on all other machines
   * (`NOT_THE_WRITER`), and on all machines that cannot read it (`WRITER_UNKNOWN`).
   *
   * A database that is already open is not checked again: call `health()`, which reports an error if another machine
   * took over meanwhile.
   *
   * @throws InvalidInputError for an invalid option, and if there is nothing to take over or to leave.
   * @throws DorkDbError `TERM_TAKEN` if another machine took over at the same moment, `WRITER_UNKNOWN` if the shared
   * folder is unreachable or not the right one, `CANNOT_CREATE` if the mark next to the database cannot be written.
   * Nothing was changed.
   */
  (options?: WriterOptions): WriterReport;
}

/** Returns `writer()` for a definition. */
export function writerWith(kit: Kit): Writer {
  return (options = {}) => {
    const { path, join, takeOver, leave } = optionsArgument(options, OPTIONS);
    const changes = {
      takeOver: flagArgument(takeOver, 'options.takeOver'),
      leave: flagArgument(leave, 'options.leave'),
    };
    if (changes.leave && (changes.takeOver || join !== undefined))
      throw new InvalidInputError('options.leave', 'must be the only change');
    if (path === undefined && join !== undefined) kit.definition.createDefaultFolder?.();
    const given = givenOrDefault(kit.definition, path, 'options.path');
    if (given === MEMORY) throw new InvalidInputError('options.path', 'must be a file');
    try {
      const filename = realFile(given);
      if (join !== undefined) joinAt(kit.adapter, filename, textArgument(join, 'options.join'));
      if (changes.takeOver) takeOverAt(kit.adapter, filename);
      if (changes.leave) leaveAt(filename);
      return report(filename);
    } catch (cause) {
      if (!isSystemError(cause)) throw cause;
      throw unknown(
        given,
        `${cause.message} (${codeOf(cause)})`,
        'Check the folder of the database and the shared one.',
        cause,
      );
    }
  };
}

function joinAt(adapter: Adapter, filename: string, join: string): void {
  const shared = resolve(join);
  if (!statOrUndefined(shared)?.isDirectory())
    throw new InvalidInputError('options.join', 'must be an existing folder that all machines can reach');
  const present = isShared(filename) ? readMark(filename) : undefined;
  if (present?.shared === shared) return;
  if (present)
    throw new InvalidInputError('options.join', `must be ${present.shared}, or this machine must leave first`);
  const folder = nameFolder(shared);
  putMark(adapter, filename, { id: crypto.randomUUID(), shared, term: newestTerm(shared)?.number ?? 0, folder });
}

function takeOverAt(adapter: Adapter, filename: string): void {
  assertShared(filename, 'options.takeOver');
  const state = stateOf(filename);
  if ('problem' in state) throw unknown(filename, state.problem, state.hint, state.cause);
  const { mark, newest, isWriter } = state;
  if (isWriter) return;
  const number = (newest?.number ?? 0) + 1;
  if (!beginTerm(mark.shared, { number, id: mark.id, host: hostname(), since: now() })) {
    throw new DorkDbError('TERM_TAKEN', `Another machine took over term ${number} first. Nothing was changed.`, {
      hint: 'Look which machine is the writer before you try again.',
    });
  }
  try {
    putMark(adapter, filename, { ...mark, term: number });
  } catch (error) {
    withdrawTerm(mark.shared, number);
    throw error;
  }
}

function putMark(adapter: Adapter, filename: string, mark: Mark): void {
  try {
    writeMark(adapter, filename, mark);
  } catch (cause) {
    const path = markPath(filename);
    throw new DorkDbError('CANNOT_CREATE', `${path} cannot be written. Nothing was changed.`, {
      hint: checkOwner(`the folder of ${path}, and the free space of the disk`),
      cause,
    });
  }
}

function leaveAt(filename: string): void {
  assertShared(filename, 'options.leave');
  removeMark(filename);
}

function assertShared(filename: string, option: string): void {
  if (!isShared(filename)) throw new InvalidInputError(option, 'is for a machine that joined a shared folder');
}

function unknown(filename: string, problem: string, hint: string, cause?: unknown): DorkDbError {
  return new DorkDbError(
    'WRITER_UNKNOWN',
    `It is unknown which machine may write ${filename}: ${problem}. Nothing was changed.`,
    { hint, cause },
  );
}

function report(path: string): WriterReport {
  if (!isShared(path)) return { path, isWriter: true, term: 0 };
  const state = stateOf(path);
  if ('problem' in state) throw unknown(path, state.problem, state.hint, state.cause);
  const { mark, newest, isWriter } = state;
  const { shared } = mark;
  const term = newest?.number ?? 0;
  const restoreFrom = newestReplica(shared, isWriter ? term - 1 : term);
  return {
    path,
    shared,
    isWriter,
    term,
    ...(newest?.host && { host: newest.host, since: newest.since, replica: replicaPath(shared, term) }),
    ...(restoreFrom !== undefined && { restoreFrom }),
  };
}
