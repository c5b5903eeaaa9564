import { embed } from '../../authoring/embed.ts';
import { shown } from '../../authoring/project.ts';
import type { Schema } from '../../connection/db.ts';
import type { Call, Command } from '../command.ts';
import { plural } from '../output.ts';
import { projectOf } from '../project.ts';

export const embedMigrations: Command = {
  name: 'embed',
  group: 'Schema',
  description: 'write the migrations of a folder into one module, for bundles and binaries',
  arguments: { '[folder]': 'the folder of drizzle-kit (default: that of drizzle.config.ts, else drizzle)' },
  options: { '--to <file>': 'the module to write, .ts or .js (default: history.ts in the folder)' },
  help: 'The module exports `history`, which defineDb() accepts instead of readHistory(folder).',
  examples: ['embed ./drizzle', 'embed ./drizzle --to src/history.ts'],
  hasFile: false,
  run: runEmbed,
};

async function runEmbed(call: Call<Schema, { readonly to?: string }>): Promise<void> {
  const [folder] = call.args;
  const { to } = call.options;
  const project = await projectOf(call, folder, { ...(to !== undefined && { module: to }) });
  const migrations = embed(project);
  const { root, module } = project;
  call.print({ module, migrations }, `${shown(root, module)} holds ${plural(migrations, 'migration')}.`);
}
