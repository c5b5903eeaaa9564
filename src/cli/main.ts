#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { addBackup } from './commands/backup.ts';
import { addBackups } from './commands/backups.ts';
import { addCheckpoint } from './commands/checkpoint.ts';
import { addCompact } from './commands/compact.ts';
import { addDoctor } from './commands/doctor.ts';
import { addExport } from './commands/export.ts';
import { addImport } from './commands/import.ts';
import { addMigrate } from './commands/migrate.ts';
import { addOptimize } from './commands/optimize.ts';
import { addPrune } from './commands/prune.ts';
import { addRecover } from './commands/recover.ts';
import { addRepairLedger } from './commands/repair-ledger.ts';
import { addRestore } from './commands/restore.ts';
import { addStatus } from './commands/status.ts';
import { addStudio } from './commands/studio.ts';
import { addVerify } from './commands/verify.ts';
import { EXIT_CODE } from './exit-codes.ts';
import { printError } from './output.ts';

/** At the end of every help. */
const EXIT_CODES = `
Exit codes: 0 done, 1 failed or refused, 2 the command line was wrong, 3 done, but look at what it says,
130 interrupted by Ctrl-C.
What was found out goes to stdout, progress and errors to stderr. NO_COLOR=1 prints without colours.`;

const EXAMPLES = `
Examples:
  dork-db migrate                     create the file, or bring it to the newest schema
  dork-db status                      what it holds
  dork-db doctor                      what is well, what is not, and what to do
  dork-db backup --daily              once a day
  dork-db status --json | jq .rows    for programs`;

function program(): Command {
  const main = new Command('dork-db')
    .description('Everything DorkOS keeps, in one SQLite file.')
    .version(packageJson.version)
    .exitOverride()
    .showHelpAfterError('(dork-db --help says how)')
    .addHelpText('after', EXAMPLES)
    .addHelpText('afterAll', EXIT_CODES);
  for (const add of [
    addBackup,
    addBackups,
    addCheckpoint,
    addCompact,
    addDoctor,
    addExport,
    addImport,
    addMigrate,
    addOptimize,
    addPrune,
    addRecover,
    addRepairLedger,
    addRestore,
    addStatus,
    addStudio,
    addVerify,
  ])
    add(withCommonOptions(main));
  return main;
}

/** Gives each command that is added the options that all of them take. */
function withCommonOptions(main: Command): (name: string) => Command {
  return (name) =>
    main
      .command(name)
      .exitOverride()
      .addOption(new Option('--db <path>', 'the database file (default: $DORK_HOME/dork.db, else ~/.dork/dork.db)'))
      .addOption(new Option('--json', 'print one JSON document'));
}

/** Runs a command line and gives the exit code. */
async function run(argv: readonly string[]): Promise<number> {
  try {
    await program().parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODE.done : EXIT_CODE.usage;
    printError(error, argv.includes('--json'));
    return EXIT_CODE.failed;
  }
}

// Whoever reads may stop reading, as in `dork-db status | head -1`.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
process.exitCode = await run(process.argv.slice(2));
