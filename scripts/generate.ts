/**
 * bun run generate NAME [--custom]: makes a migration of what changed in the schema, under a name that says what it is
 * for, looks at its SQL, and embeds it.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Connection } from '../src/engine/connection/connection.ts';
import { bunSqlite } from '../src/engine/driver/bun-sqlite.ts';
import { readHistory } from '../src/engine/migrations/history.ts';
import { embedHistory } from './embed-history.ts';
import { drizzleKitGenerate } from './history/drizzle-kit.ts';
import { drizzleKitRandomNames, problemOfName } from './history/names.ts';
import { report } from './history/problem.ts';
import { indexesAfter } from './history/snapshot.ts';
import { trapsOf } from './history/traps.ts';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'drizzle');
const USAGE = 'bun run generate NAME, as bun run generate agent_budgets; with --custom for SQL that you write yourself';

function generate(name: string, custom: boolean): 0 | 1 {
  const isInteractive = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const { tag, output } = drizzleKitGenerate({ root, out: folder, name, custom, isInteractive });
  process.stdout.write(output);
  if (tag === undefined) {
    const hint = 'Change src/dork/schema.ts first; where drizzle-kit asks about a rename, run this in a terminal.';
    return report([{ message: 'drizzle-kit made no migration; nothing was changed.', hint }]);
  }
  if (custom) {
    console.log(`Write the SQL into drizzle/${tag}.sql, then: bun scripts/embed-history.ts && bun run check`);
    return 0;
  }
  using empty = new Connection(bunSqlite, ':memory:');
  const problems = trapsOf(empty, readHistory(folder), (idx) => indexesAfter(folder, idx));
  if (problems.length > 0) {
    console.error(`drizzle/${tag}.sql was made and is not embedded: mend it, then bun scripts/embed-history.ts`);
    return report(problems);
  }
  embedHistory(folder);
  console.log(`drizzle/${tag}.sql is made and embedded. Read its SQL; bun run check and the tests try it on data.`);
  return 0;
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  strict: false,
  options: { custom: { type: 'boolean', default: false } },
});
const [name = '', ...rest] = positionals;
const unknown = Object.keys(values).find((option) => option !== 'custom');
const problem =
  unknown !== undefined
    ? `cannot be told from the option --${unknown}`
    : rest.length > 0
      ? 'is more than one word; join them with _'
      : problemOfName(name, drizzleKitRandomNames());
process.exitCode = problem
  ? report([{ message: `The name of the migration ${problem}. Nothing was generated.`, hint: USAGE }]) + 1
  : generate(name, values.custom === true);
