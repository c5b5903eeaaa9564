/** This project, as `generate`, `check` and `embed` of a command line see it. */
import { join } from 'node:path';
import { APPLICATION_ID } from '../src/dork/application-id.ts';
import type { Problem } from '../src/engine/authoring/problem.ts';
import type { Project } from '../src/engine/authoring/project.ts';
import { Connection } from '../src/engine/connection/connection.ts';
import { betterSqlite3 } from '../src/engine/driver/better-sqlite3.ts';
import { bunSqlite } from '../src/engine/driver/bun-sqlite.ts';

const root = join(import.meta.dirname, '..');

export const project: Project = {
  root,
  folder: join(root, 'drizzle'),
  module: join(root, 'drizzle', 'history.ts'),
  config: { schema: './src/dork/schema.ts' },
  // Every driver, since what one takes another may refuse.
  empties: () => [bunSqlite, betterSqlite3].map((adapter) => new Connection(adapter, ':memory:')),
  checksNames: true,
  commands: { generate: 'bun run generate', embed: 'bun scripts/embed-history.ts' },
  embedding: { typeFrom: '../src/engine/migrations/history.ts', applicationId: APPLICATION_ID },
};

/** Prints problems as the command line does, and returns the exit code. */
export function report(problems: readonly Problem[]): 0 | 1 {
  for (const { message, hint } of problems) console.error(`Error: ${message}\nTry: ${hint}`);
  return problems.length > 0 ? 1 : 0;
}
