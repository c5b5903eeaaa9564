/**
 * Fails where the schema, the migration folder, the embedded module or the order of the entries disagree, and where an
 * entry would fail or lose something on a file that has data.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '../src/engine/connection/connection.ts';
import { betterSqlite3 } from '../src/engine/driver/better-sqlite3.ts';
import { bunSqlite } from '../src/engine/driver/bun-sqlite.ts';
import { readHistory } from '../src/engine/migrations/history.ts';
import { moduleFor } from './embed-history.ts';
import { problemsOfSchema } from './history/drizzle-kit.ts';
import { problemsOfFolder } from './history/folder.ts';
import { drizzleKitRandomNames } from './history/names.ts';
import { type Problem, report } from './history/problem.ts';
import { indexesAfter, problemsOfYield } from './history/snapshot.ts';
import { trapsOf } from './history/traps.ts';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'drizzle');

/** Every driver, since bun:sqlite takes a column that is not there for a text. */
function problemsOfSql(): Problem[] {
  const history = readHistory(folder);
  const problems = new Map<string, Problem>();
  for (const adapter of [bunSqlite, betterSqlite3]) {
    using empty = new Connection(adapter, ':memory:');
    const traps = trapsOf(empty, history, (idx) => indexesAfter(folder, idx));
    for (const problem of traps) problems.set(problem.message, problem);
    if (traps.length > 0) continue;
    for (const problem of problemsOfYield(empty, folder, history.migrations.length - 1))
      problems.set(problem.message, problem);
  }
  return [...problems.values()];
}

function problemsOfModule(): Problem[] {
  const path = join(folder, 'history.ts');
  using empty = new Connection(bunSqlite, ':memory:');
  if (existsSync(path) && readFileSync(path, 'utf8') === moduleFor(readHistory(folder), empty)) return [];
  return [{ message: 'drizzle/history.ts is not what the SQL files yield.', hint: 'bun scripts/embed-history.ts' }];
}

/** In this order, since what is wrong with the folder makes everything after it fail too. */
function check(): Problem[] {
  for (const problemsOf of [
    () => problemsOfFolder(folder, drizzleKitRandomNames()),
    problemsOfSql,
    problemsOfModule,
    () => problemsOfSchema(root, folder),
  ]) {
    const problems = problemsOf();
    if (problems.length > 0) return problems;
  }
  return [];
}

process.exitCode = report(check());
if (process.exitCode === 0) console.log('The schema, drizzle/ and drizzle/history.ts agree.');
