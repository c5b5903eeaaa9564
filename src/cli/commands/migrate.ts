import { importCommand, waitingLegacyFiles } from '../../dork/legacy/files.ts';
import type { Command } from '../../engine/cli/command.ts';
import { migrateWith } from '../../engine/cli/commands/migrate.ts';

/** The engine's command, which also names the older DorkOS files that wait to be imported. */
export const migrate: Command = migrateWith((db, { filename, givenPath, command }) => {
  const legacyFiles = waitingLegacyFiles(db, filename);
  const how = givenPath === undefined ? `${command} import` : importCommand(filename);
  const text = `
Older DorkOS files wait to be imported; they were not changed:
${legacyFiles.map((file) => `  ${file}`).join('\n')}
To bring them in: ${how}`;
  return { fields: { legacyFiles }, ...(legacyFiles.length > 0 && { text }) };
});
