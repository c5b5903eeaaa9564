import { problemsOf } from '../../authoring/check.ts';
import { shown } from '../../authoring/project.ts';
import type { Schema } from '../../connection/db.ts';
import { isThere } from '../../file/fs.ts';
import type { Call, Command } from '../command.ts';
import { EXIT_CODE } from '../exit-codes.ts';
import { PROJECT_OPTIONS, type ProjectOptions, projectOf, requireSchema } from '../project.ts';

interface Options extends ProjectOptions {
  readonly since?: string;
  readonly names?: boolean;
}

export const checkMigrations: Command = {
  name: 'check',
  group: 'Schema',
  description: 'check that schema, migrations and module agree; find migrations that would fail on a file with data',
  arguments: { '[folder]': 'the folder of drizzle-kit (default: that of drizzle.config.ts, else drizzle)' },
  options: {
    ...PROJECT_OPTIONS,
    '--since <tag>': 'check only the SQL of this migration and later ones: older ones are released',
    '--names': 'also refuse names of migrations that do not describe their purpose',
  },
  help: 'Runs drizzle-kit on a copy of the folder, and changes nothing. Exit code 1 if there is a problem.',
  examples: ['check', 'check ./drizzle --schema src/schema.ts --since 0042_last_release'],
  hasFile: false,
  run: runCheck,
};

async function runCheck(call: Call<Schema, Options>): Promise<void> {
  const [folder] = call.args;
  const { since, names = false } = call.options;
  const project = { ...(await projectOf(call, folder, call.options)), checksNames: names };
  requireSchema(project);
  const problems = await problemsOf(project, since);
  if (problems.length > 0) process.exitCode = EXIT_CODE.failed;
  const { root, module } = project;
  const all = ['The schema', ` and ${shown(root, project.folder)}`];
  if (isThere(module)) all.splice(1, 1, `, ${shown(root, project.folder)} and ${shown(root, module)}`);
  call.print({ problems }, () =>
    problems.length === 0
      ? `${all.join('')} agree.`
      : problems.map(({ message, hint }) => `Error: ${message}\nTry: ${hint}`).join('\n'),
  );
}
