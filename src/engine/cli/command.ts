import type { Database, Schema } from '../connection/db.ts';
import type { View } from '../console/view.ts';
import type { CreateDbOptions } from '../create-db.ts';
import type { DefinedDb } from '../define-db.ts';

/** An option of a command that is more than a description. */
export interface CommandOption {
  readonly description: string;
  /** The values that it may have. Default: any. */
  readonly choices?: readonly string[];
  /** Its value if it is not given. Default: undefined. */
  readonly default?: unknown;
  /** Turns the given text into the value; the message of what it throws is printed. Default: the text itself. */
  readonly parse?: (text: string) => unknown;
  /** The options that it cannot be given with, by their names in camelCase. */
  readonly conflicts?: string | readonly string[];
}

/**
 * A command of a command line. In its texts `{command}` is the name of the command line, and `{name}` that of the
 * database.
 */
export interface Command<TSchema extends Schema = Schema, TOptions extends object = object> {
  /** One word, e.g. `search`. One that the engine has too replaces the engine's. */
  readonly name: string;
  /** One line. The list of commands shows it up to the first semicolon. */
  readonly description: string;
  /** The heading under which the help lists it. Default: `More`. */
  readonly group?: string;
  /** The words after the name, each with its description: `<file>` must be given, `[file]` may be, `<words...>` are many. */
  readonly arguments?: Readonly<Record<string, string>>;
  /** Options, e.g. `{ '--limit <count>': 'print at most this many (default: 10)', '--archived': 'those in the archive too' }`. */
  readonly options?: Readonly<Record<string, string | CommandOption>>;
  /**
   * How options of the functions that it calls are given, if by another name, e.g. `{ tables: '--table' }`. Errors name
   * what was typed. Default: an option `--older-than` is `olderThan`.
   */
  readonly names?: Readonly<Record<string, string>>;
  /** More sentences for its help. Default: none. */
  readonly help?: string;
  /** Examples for its help, without the name of the command line. Default: none. */
  readonly examples?: readonly string[];
  /** False if the command needs no database file and has no `--db`. Default true. */
  readonly hasFile?: boolean;
  /**
   * Runs the command. An error is printed, and the exit code is then 1. A command sets `process.exitCode` to 3 if it
   * succeeded but its output needs attention.
   */
  run(call: Call<TSchema, TOptions>): unknown;
}

/** One call of a command. */
export interface Call<TSchema extends Schema = Schema, TOptions extends object = object> {
  /** The functions of the database. */
  readonly kit: DefinedDb<TSchema>;
  /** The name of the command line, e.g. `notes-db`. */
  readonly command: string;
  /** The host's own views of the console. */
  readonly views: readonly View[];
  /** The words after the command's name. */
  readonly args: readonly string[];
  /** The values of its options, by their names in camelCase. */
  readonly options: Readonly<TOptions>;
  /** True if one JSON document is to be printed instead of text. */
  readonly json: boolean;
  /** The path that was given with `--db`; undefined for the default path. */
  readonly givenPath: string | undefined;
  /**
   * The absolute path of `--db`, else of the definition. The file need not exist.
   *
   * @throws InvalidInputError for a path that the drivers would interpret as another one.
   */
  readonly filename: string;
  /**
   * Returns `filename` if there is a file.
   *
   * @throws DatabaseOpenError if there is none.
   */
  existingFile(): string;
  /**
   * Opens the file, which must exist. It is not migrated unless the options ask for it.
   *
   * @throws DatabaseOpenError if there is none, or if it cannot be opened.
   */
  open(options?: CreateDbOptions): Database<TSchema>;
  /** Prints the result to stdout: the report with `--json`, else the text. */
  print(report: unknown, text: string | (() => string)): void;
  /** Returns a table without borders for {@link print}. */
  table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string;
  /** Ends the command with a message and the exit code 2, for arguments that do not fit together. */
  refuse(message: string): never;
}

/** Options of `commandLine()`. */
export interface CommandLineOptions<TSchema extends Schema> {
  /** The host's own views of the console, shown between the engine's *Now* and *File*. Default: none. */
  readonly views?: readonly View[];
  /** The host's own commands, in addition to the engine's. Default: none. */
  readonly commands?: readonly Command<TSchema>[];
  /** One sentence for the help. Default: one with the name of the database. */
  readonly description?: string;
  /** The output of `--version`. Default: there is no such option. */
  readonly version?: string;
  /** The path of the file without `--db`, in words for the help. Default: the definition's path. */
  readonly defaultPath?: string;
  /** The words of the command line. Default: those of this process. */
  readonly argv?: readonly string[];
}
