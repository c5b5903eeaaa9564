import type { Command } from 'commander';
import { shellQuoted } from '../../engine/file/path.ts';
import type { CommonOptions } from '../context.ts';
import { existingFile } from '../open-existing.ts';
import { print, printJson } from '../output.ts';

const REASON =
  'Drizzle Studio cannot open a file read-only, runs whatever SQL its page sends, and loads that page from ' +
  'https://local.drizzle.studio. So it is not opened on the database, but on a copy:';

export function addStudio(add: (name: string) => Command): void {
  add('studio')
    .description('say how to look at a copy of the database with Drizzle Studio; opens nothing')
    .addHelpText('after', '\nExamples:\n  dork-db studio\n  dork-db studio --json')
    .action(runStudio);
}

function runStudio(options: CommonOptions): void {
  const filename = existingFile(options);
  const config = JSON.stringify({ dialect: 'sqlite', dbCredentials: { url: 'copy.db' } });
  const commands = [
    `dork-db backup --db ${shellQuoted(filename)} --to copy.db`,
    `echo '${config}' > drizzle.config.json`,
    'npx -y -p drizzle-kit@0.31 -p better-sqlite3@13 drizzle-kit studio --config drizzle.config.json',
  ];
  if (options.json) printJson({ filename, reason: REASON, commands });
  else print(`${REASON}\n${commands.map((command) => `  ${command}`).join('\n')}`);
}
