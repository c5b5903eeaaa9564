/**
 * Writes drizzle/history.ts: the migrations of drizzle/ as text, so that they travel inside a bundle or a compiled
 * binary. With --check it writes nothing and fails where the module is not what the folder yields.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bunSqlite } from '../src/adapters/bun-sqlite.ts';
import { Connection } from '../src/core/connection.ts';
import { APPLICATION_ID } from '../src/core/pragmas.ts';
import { type History, readHistory } from '../src/migrations/history.ts';
import { replay, schemaStatements } from '../src/migrations/schema-state.ts';

/** The text of the module that embeds a history. */
export function moduleFor(history: History): string {
  using empty = new Connection(bunSqlite, ':memory:');
  using memory = replay(empty, history);
  const embedded: History = {
    applicationId: APPLICATION_ID,
    schema: schemaStatements(memory),
    migrations: history.migrations,
  };
  return [
    '// Generated from the SQL files of this folder by `bun run generate`; not to be edited.',
    "import type { History } from '../src/migrations/history.ts';",
    '',
    `export const history: History = ${JSON.stringify(embedded, null, 2)};`,
    '',
  ].join('\n');
}

if (import.meta.main) {
  const folder = join(import.meta.dir, '..', 'drizzle');
  const path = join(folder, 'history.ts');
  const wanted = moduleFor(readHistory(folder));
  if (!process.argv.includes('--check')) writeFileSync(path, wanted);
  else if (readFileSync(path, 'utf8') !== wanted) {
    console.error(
      'Error: drizzle/history.ts is not what the SQL files yield.\nTry: bun run generate NAME, or bun scripts/embed-history.ts',
    );
    process.exit(1);
  }
}
