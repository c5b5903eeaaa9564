/**
 * bun run generate NAME [--custom]: makes a migration of what changed in the schema, under a name that says what it is
 * for, looks at its SQL, and embeds it.
 */
import { parseArgs } from 'node:util';
import { drizzleKitBin } from '../src/engine/authoring/drizzle-kit.ts';
import { afterGenerate, generate } from '../src/engine/authoring/generate.ts';
import { drizzleKitRandomNames, problemOfName } from '../src/engine/authoring/names.ts';
import { project, report } from './project.ts';

const USAGE = 'bun run generate NAME, as bun run generate agent_budgets; with --custom for SQL that you write yourself';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  strict: false,
  options: { custom: { type: 'boolean', default: false } },
});
const [name = '', ...rest] = positionals;
const custom = values.custom === true;
const unknown = Object.keys(values).find((option) => option !== 'custom');
const problem =
  unknown !== undefined
    ? `cannot be told from the option --${unknown}`
    : rest.length > 0
      ? 'is more than one word; join them with _'
      : problemOfName(name, drizzleKitRandomNames(drizzleKitBin(project.root)));
if (problem) {
  process.exitCode =
    report([{ message: `The name of the migration ${problem}. Nothing was generated.`, hint: USAGE }]) + 1;
} else {
  const made = generate(project, name, { custom, isEmbedding: true });
  process.stdout.write(made.output);
  process.exitCode = report(made.problems);
  if (made.tag !== undefined) console.log(afterGenerate(project, made, custom));
}
