import type { Schema } from '../connection/db.ts';
import type { DefinedDb } from '../define-db.ts';
import { isDefined } from '../definition.ts';
import { InvalidInputError } from '../errors.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import type { Command, CommandLineOptions } from './command.ts';

const OPTIONS: OptionNames<CommandLineOptions<Schema>> = {
  commands: true,
  views: true,
  description: true,
  version: true,
  defaultPath: true,
  argv: true,
};

const COMMAND: OptionNames<Command> = {
  name: true,
  description: true,
  group: true,
  arguments: true,
  options: true,
  help: true,
  examples: true,
  names: true,
  hasFile: true,
  run: true,
};

/**
 * Runs the command line of a database in this process: `migrate`, `status`, `doctor`, `backup`, `restore` and all other
 * commands of the engine, and the host's own. Results go to stdout, progress and errors to stderr; `process.exitCode` is
 * set to 0 if it is done, 1 if it failed, 2 if the command line was wrong, and 3 if there is something to look at.
 *
 * What it needs is loaded at its first call: a program that never calls it does not pay for it.
 *
 * @param kit What `defineDb()` returns, with a `command`: the name of the command line, which hints use too.
 * @returns The exit code.
 * @throws InvalidInputError for an option that cannot be one, and if the definition has no `command`.
 *
 * @example
 * ```ts
 * const create = 'CREATE TABLE notes (id TEXT PRIMARY KEY, body TEXT NOT NULL)';
 * const history = { migrations: [{ tag: '0000_notes', when: 0, hash: '1', sql: create }] };
 * const notes = defineDb({ name: 'notes', schema: {}, history, command: 'notes-db', defaultPath: 'notes.db' });
 * await commandLine(notes, { argv: ['migrate'] }); // in your program without argv
 * ```
 */
export async function commandLine<TSchema extends Schema>(
  kit: DefinedDb<TSchema>,
  options: CommandLineOptions<TSchema> = {},
): Promise<number> {
  optionsArgument(options, OPTIONS);
  for (const [i, each] of (options.commands ?? []).entries()) optionsArgument(each, COMMAND, `options.commands[${i}]`);
  if (options.views !== undefined) (await import('../console/view.ts')).viewsArgument(options.views, 'options.views');
  if (!isDefined(kit)) throw new InvalidInputError('kit', 'must be what defineDb() returns');
  const { command } = kit.definition;
  if (command === undefined) {
    throw new InvalidInputError('definition.command', 'is missing: the command line has no name', {
      hint: 'Pass its name to defineDb(), e.g. command: "notes-db".',
    });
  }
  const { runProgram } = await import('./program.ts');
  // Commands of the engine do not depend on the schema.
  const code = await runProgram(kit as unknown as DefinedDb<Schema>, command, options as CommandLineOptions<Schema>);
  process.exitCode = code;
  return code;
}
