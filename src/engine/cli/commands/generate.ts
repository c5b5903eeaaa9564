import { drizzleKitBin } from '../../authoring/drizzle-kit.ts';
import { afterGenerate, generate } from '../../authoring/generate.ts';
import { drizzleKitRandomNames, problemOfName } from '../../authoring/names.ts';
import type { Schema } from '../../connection/db.ts';
import { isThere } from '../../file/fs.ts';
import type { Call, Command } from '../command.ts';
import { EXIT_CODE } from '../exit-codes.ts';
import { PROJECT_OPTIONS, type ProjectOptions, projectOf, requireSchema } from '../project.ts';

interface Options extends ProjectOptions {
  readonly folder?: string;
  readonly custom?: boolean;
}

export const generateMigration: Command = {
  name: 'generate',
  group: 'Schema',
  description: 'generate a migration from the changes of the schema with drizzle-kit, and check its SQL',
  arguments: { '<name>': 'its purpose, e.g. add_due_dates' },
  options: {
    '--folder <folder>': 'the folder of drizzle-kit (default: that of drizzle.config.ts, else drizzle)',
    ...PROJECT_OPTIONS,
    '--custom': 'create an empty migration, and write its SQL yourself',
  },
  help: 'If there is a module with embedded migrations, it is updated too. Exit code 1 if the SQL has a known problem.',
  examples: ['generate add_due_dates', 'generate search_in_titles --custom'],
  hasFile: false,
  run: runGenerate,
};

async function runGenerate(call: Call<Schema, Options>): Promise<void> {
  const [name = ''] = call.args;
  const { folder, custom = false } = call.options;
  const project = await projectOf(call, folder, call.options);
  requireSchema(project);
  const problem = problemOfName(name, drizzleKitRandomNames(drizzleKitBin(project.root)));
  if (problem) call.refuse(`the name of the migration ${problem}; nothing was generated`);
  const made = generate(project, name, { custom, isEmbedding: isThere(project.module) });
  if (made.problems.length > 0) process.exitCode = EXIT_CODE.failed;
  call.print(made, () =>
    [
      made.output,
      ...(made.tag === undefined ? [] : [afterGenerate(project, made, custom)]),
      ...made.problems.map(({ message, hint }) => `Error: ${message}\nTry: ${hint}`),
    ].join('\n'),
  );
}
