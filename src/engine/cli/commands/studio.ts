import { shellQuoted } from '../../file/path.ts';
import type { Call, Command } from '../command.ts';
import { refuseOtherProgram } from '../file-status.ts';

const REASON =
  'Drizzle Studio cannot open a file read-only, runs whatever SQL its page sends, and loads that page from ' +
  'https://local.drizzle.studio. So it is not opened on the database, but on a copy:';

export const studio: Command = {
  name: 'studio',
  group: 'Look',
  description: 'show how to view a copy of the database in Drizzle Studio; opens nothing',
  examples: ['studio', 'studio --json'],
  run: runStudio,
};

function runStudio(call: Call): void {
  const filename = call.existingFile();
  refuseOtherProgram(call);
  const config = JSON.stringify({ dialect: 'sqlite', dbCredentials: { url: 'copy.db' } });
  const commands = [
    `${call.command} backup --db ${shellQuoted(filename)} --to copy.db`,
    `echo '${config}' > drizzle.config.json`,
    'npx -y -p drizzle-kit@0.31 -p better-sqlite3@13 drizzle-kit studio --config drizzle.config.json',
  ];
  call.print({ filename, reason: REASON, commands }, `${REASON}\n${commands.map((each) => `  ${each}`).join('\n')}`);
}
