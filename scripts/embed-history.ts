/** Writes drizzle/history.ts: the migrations of drizzle/ as text, so that they travel inside a bundle or a binary. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { APPLICATION_ID } from '../src/dork/application-id.ts';
import { Connection } from '../src/engine/connection/connection.ts';
import { bunSqlite } from '../src/engine/driver/bun-sqlite.ts';
import { type History, readHistory } from '../src/engine/migrations/history.ts';
import { replay, schemaStatements } from '../src/engine/migrations/schema-state.ts';

/** The text of the module that embeds a history. */
export function moduleFor(history: History, empty: Connection): string {
  using memory = replay(empty, history);
  const embedded: History = {
    applicationId: APPLICATION_ID,
    schema: schemaStatements(memory),
    migrations: history.migrations,
  };
  return [
    '// Generated from the SQL files of this folder by `bun run generate`; not to be edited.',
    "import type { History } from '../src/engine/migrations/history.ts';",
    '',
    `export const history: History = ${JSON.stringify(embedded, null, 2)};`,
    '',
  ].join('\n');
}

/** Writes the module beside the SQL files of a folder. */
export function embedHistory(folder: string): void {
  using empty = new Connection(bunSqlite, ':memory:');
  writeFileSync(join(folder, 'history.ts'), moduleFor(readHistory(folder), empty));
}

if (import.meta.main) embedHistory(join(import.meta.dirname, '..', 'drizzle'));
