import { join } from 'node:path';
import { Argument, Command as Commander, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Schema } from '../connection/db.ts';
import type { View } from '../console/view.ts';
import type { DefinedDb } from '../define-db.ts';
import { givenOrDefault } from '../definition.ts';
import { requireFile } from '../file/file.ts';
import { homeFolder } from '../file/path.ts';
import { messageOf } from '../realm.ts';
import type { Call, Command, CommandLineOptions, CommandOption } from './command.ts';
import { backup } from './commands/backup.ts';
import { backups } from './commands/backups.ts';
import { checkMigrations } from './commands/check.ts';
import { checkpoint } from './commands/checkpoint.ts';
import { compact } from './commands/compact.ts';
import { console as consoleCommand } from './commands/console.ts';
import { doctor } from './commands/doctor.ts';
import { embedMigrations } from './commands/embed.ts';
import { exportTables } from './commands/export.ts';
import { generateMigration } from './commands/generate.ts';
import { importTables } from './commands/import.ts';
import { migrate } from './commands/migrate.ts';
import { optimize } from './commands/optimize.ts';
import { recover } from './commands/recover.ts';
import { repairLedger } from './commands/repair-ledger.ts';
import { restore } from './commands/restore.ts';
import { status } from './commands/status.ts';
import { studio } from './commands/studio.ts';
import { top } from './commands/top.ts';
import { verify } from './commands/verify.ts';
import { writer } from './commands/writer.ts';
import { completion } from './completion.ts';
import { EXIT_CODE } from './exit-codes.ts';
import { groupsOf } from './groups.ts';
import { inTypedWords } from './in-words.ts';
import { formatTable, print, printError, printJson } from './output.ts';
import { overview } from './overview.ts';
import { fitted } from './wrap.ts';

/** The commands that every database has. */
const ENGINE: readonly Command[] = [
  backup,
  backups,
  checkMigrations,
  checkpoint,
  compact,
  consoleCommand,
  doctor,
  embedMigrations,
  exportTables,
  generateMigration,
  importTables,
  migrate,
  optimize,
  recover,
  repairLedger,
  restore,
  status,
  studio,
  top,
  verify,
  writer,
];

/** At the end of every help. */
const EXIT_CODES = `
Exit codes: 0 done, 1 failed or refused, 2 the command line was wrong,
3 done, but look at the output, 130 interrupted by Ctrl-C.
Results go to stdout, progress and errors to stderr. NO_COLOR=1 prints without
colors.`;

const EXAMPLES = [
  ['migrate', 'create the file, or migrate it'],
  ['status', 'what it holds'],
  ['doctor', 'what is well, what is not, and what to do'],
  ['backup --daily', 'once a day'],
  ['status --json | jq .rows', 'for programs'],
] as const;

/** A command line, shared by all of its calls. */
interface Line {
  readonly kit: DefinedDb<Schema>;
  readonly command: string;
  readonly options: CommandLineOptions<Schema>;
}

/** Runs one command line and returns the exit code. */
export async function runProgram(
  kit: DefinedDb<Schema>,
  command: string,
  options: CommandLineOptions<Schema>,
): Promise<number> {
  endWithReader();
  const argv = commandFirst(options.argv ?? process.argv.slice(2));
  try {
    process.exitCode = undefined;
    const line = { kit, command, options };
    if (argv.length === 0 || argv[0]?.startsWith('--db')) printOverview(line, argv);
    else await programOf(line).parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? EXIT_CODE.done);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODE.done : EXIT_CODE.usage;
    printError(error, argv.includes('--json'));
    return EXIT_CODE.failed;
  }
}

/**
 * Returns the words with the command first: `--db` and `--json` may also precede it. `--json` alone is that of `status`.
 */
function commandFirst(argv: readonly string[]): readonly string[] {
  if (!/^--(db(=|$)|json$)/.test(argv[0] ?? '')) return argv;
  const at = argv.findIndex((word, i) => !word.startsWith('-') && argv[i - 1] !== '--db');
  if (at > 0) return [argv[at] ?? '', ...argv.slice(0, at), ...argv.slice(at + 1)];
  return argv.includes('--json') ? ['status', ...argv] : argv;
}

/** @param argv No words, or `--db` and its value. */
function printOverview(line: Line, argv: readonly string[]): void {
  const commander = new Commander(line.command).exitOverride().showHelpAfterError(`(see ${line.command} --help)`);
  if (argv.length > 0) commander.addOption(databaseOption(line)).parse(argv, { from: 'user' });
  const call = new CommandCall(line, commander);
  call.print(undefined, overview(call, commandsOf(line)));
}

let isWatched = false;

/** Ends the process if the reader of its output stops reading, e.g. in `notes-db status | head -1`. */
function endWithReader(): void {
  if (isWatched) return;
  isWatched = true;
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit();
    });
}

function programOf(line: Line): Commander {
  const { kit, command, options } = line;
  const width = Math.max(...EXAMPLES.map(([words]) => words.length)) + 2;
  const examples = EXAMPLES.map(([words, what]) => `  ${command} ${words.padEnd(width)}${what}`);
  const main = new Commander(command)
    .description(options.description ?? `The database "${kit.definition.name}", in one SQLite file.`)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`${fitted(text.trimEnd(), process.stderr)}\n`) })
    .commandsGroup('Shell:')
    .showHelpAfterError(`(see ${command} --help)`)
    .configureHelp({ subcommandTerm: termOf, subcommandDescription: (each) => each.description().split(';')[0] ?? '' })
    .addHelpText('after', ['', 'Examples:', ...examples].join('\n'))
    .addHelpText('afterAll', EXIT_CODES);
  if (options.version !== undefined) main.version(options.version);
  for (const { name, commands } of groupsOf(commandsOf(line))) {
    for (const each of commands) add(main, line, each).helpGroup(`${name}:`);
  }
  return main;
}

/** Returns every command of a line; the host's replace the engine's of the same name. */
function commandsOf(line: Line): readonly Command[] {
  const all = [...ENGINE, completion(() => commandsOf(line)), ...(line.options.commands ?? [])];
  return [...new Map(all.map((each) => [each.name, each])).values()];
}

/** Returns how the list of commands names one: with its arguments, since nearly all have options. */
function termOf(command: Commander): string {
  const args = command.registeredArguments.map((each) => (each.required ? `<${each.name()}>` : `[${each.name()}]`));
  return [command.name(), ...args].join(' ');
}

function add(main: Commander, line: Line, definition: Command): Commander {
  const filled = (text: string) =>
    text.replaceAll('{command}', line.command).replaceAll('{name}', line.kit.definition.name);
  const { name, description, help, examples = [], hasFile = true } = definition;
  const added = main
    .command(name)
    .exitOverride()
    .showHelpAfterError(`(see ${line.command} ${name} --help)`)
    .description(filled(description));
  if (hasFile) added.addOption(databaseOption(line));
  added.option('--json', 'print one JSON document');
  for (const [form, text] of Object.entries(definition.arguments ?? {}))
    added.addArgument(new Argument(form, filled(text)));
  for (const [form, option] of Object.entries(definition.options ?? {}))
    added.addOption(optionOf(form, option, filled));
  const shown = examples.map((example) => `  ${line.command} ${filled(example)}`);
  const more = [...(help ? ['', filled(help)] : []), ...(shown.length > 0 ? ['', 'Examples:', ...shown] : [])];
  if (more.length > 0) added.addHelpText('after', more.join('\n'));
  added.action(async () => {
    const call = new CommandCall(line, added);
    try {
      await definition.run(call);
    } catch (error) {
      throw inTypedWords(error, added, definition.names, () => call.filename);
    }
  });
  return added;
}

function databaseOption({ kit, options }: Line): Option {
  const { defaultPath } = kit.definition;
  if (!defaultPath) return new Option('--db <path>', 'the database file').makeOptionMandatory();
  return new Option('--db <path>', `the database file (default: ${options.defaultPath ?? inWords(defaultPath)})`);
}

/** Returns the default path, or the error, because the help must be printed in any case. */
function inWords(defaultPath: () => string): string {
  try {
    return defaultPath();
  } catch (error) {
    return messageOf(error);
  }
}

function optionOf(form: string, given: string | CommandOption, filled: (text: string) => string): Option {
  const {
    description,
    choices,
    parse,
    conflicts,
    default: value,
  } = typeof given === 'string' ? { description: given } : given;
  const option = new Option(form, filled(description));
  if (choices) option.choices(choices);
  if (value !== undefined) option.default(value);
  if (conflicts !== undefined) option.conflicts(typeof conflicts === 'string' ? conflicts : [...conflicts]);
  if (parse) {
    option.argParser((text) => {
      try {
        return parse(text);
      } catch (error) {
        throw new InvalidArgumentError(messageOf(error));
      }
    });
  }
  return option;
}

/** Expands `~`, which a shell does not expand after an equals sign, e.g. in `--db=~/notes.db`. */
function expanded<T>(value: T): T | string {
  return typeof value === 'string' && value.startsWith('~/') ? join(homeFolder(), value.slice(2)) : value;
}

class CommandCall implements Call {
  readonly kit: DefinedDb<Schema>;
  readonly command: string;
  readonly views: readonly View[];
  readonly args: readonly string[];
  readonly options: object;
  readonly json: boolean;
  readonly givenPath: string | undefined;
  readonly #commander: Commander;

  constructor({ kit, command, options: given }: Line, commander: Commander) {
    const { db, json = false, ...options } = commander.opts<{ db?: string; json?: boolean }>();
    this.kit = kit;
    this.command = command;
    this.views = given.views ?? [];
    this.args = commander.args.map(expanded);
    this.options = Object.fromEntries(Object.entries(options).map(([name, value]) => [name, expanded(value)]));
    this.json = json;
    this.givenPath = expanded(db);
    this.#commander = commander;
  }

  get filename(): string {
    return givenOrDefault(this.kit.definition, this.givenPath, '--db');
  }

  existingFile(): string {
    const { filename } = this;
    requireFile(filename, `${this.command} migrate creates it; or give another path with --db.`);
    return filename;
  }

  open(options: Parameters<Call['open']>[0] = {}): ReturnType<Call['open']> {
    return this.kit.createDb(this.existingFile(), { migrations: 'skip', ...options });
  }

  print(report: unknown, text: string | (() => string)): void {
    if (this.json) printJson(report);
    else print(typeof text === 'string' ? text : text());
  }

  table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
    return formatTable(head, rows);
  }

  refuse(message: string): never {
    this.#commander.error(`error: ${message}`);
  }
}
