import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import type { Connection } from '../connection/connection.ts';
import { isThere } from '../file/fs.ts';
import type { History } from '../migrations/history.ts';
import { replay, schemaStatements } from '../migrations/schema-state.ts';
import { messageOf } from '../realm.ts';
import type { Problem } from './problem.ts';
import { type Embedding, historyOf, type Project, shown } from './project.ts';

/** Returns the content of a module: the migrations, and the resulting schema, which saves a replay at each opening. */
function embedded(project: Project): History {
  const { allowLoss: _, ...history } = historyOf(project);
  return onFirst(project.empties(), (empty) => {
    using memory = replay(empty, history);
    const { applicationId } = project.embedding ?? {};
    return {
      ...(applicationId !== undefined && { applicationId }),
      schema: schemaStatements(memory),
      migrations: history.migrations.map((migration) => {
        const { droppedIndexes = [] } = migration;
        return droppedIndexes.length > 0 ? { ...migration, droppedIndexes } : migration;
      }),
    };
  });
}

function onFirst<T>(empties: readonly Connection[], act: (empty: Connection) => T): T {
  try {
    return act(empties[0] as Connection);
  } finally {
    for (const empty of empties) empty.close();
  }
}

/** Writes the module that embeds the migrations of a project, and returns how many there are. */
export function embed(project: Project): number {
  const { root, folder, module, commands, embedding } = project;
  const history = embedded(project);
  mkdirSync(dirname(module), { recursive: true });
  writeFileSync(module, moduleText(history, module, `${shown(root, folder)} by \`${commands.embed}\``, embedding));
  return history.migrations.length;
}

function moduleText(history: History, module: string, origin: string, { typeFrom }: Embedding = {}): string {
  const from = typeFrom ?? '@dorkos/db/engine';
  const json = JSON.stringify(history, null, 2);
  const isTyped = /^\.[mc]?ts$/.test(extname(module));
  return [
    `// Made from the SQL files of ${origin}; not to be edited.`,
    ...(isTyped
      ? [`import type { History } from '${from}';`, '', `export const history: History = ${json};`]
      : ['', `/** @type {import('${from}').History} */`, `export const history = ${json};`]),
    '',
  ].join('\n');
}

/** Checks that a module, if it exists, has the content of its folder. Its formatting does not matter. */
export async function problemsOfModule(project: Project): Promise<Problem[]> {
  const { root, module, commands } = project;
  if (!isThere(module)) return [];
  const name = shown(root, module);
  try {
    const { history } = (await import(/* webpackIgnore: true */ /* @vite-ignore */ pathToFileURL(module).href)) as {
      readonly history?: History;
    };
    const { schema, migrations } = embedded(project);
    if (history && isDeepStrictEqual([history.schema, history.migrations], [schema, migrations])) return [];
    return [{ message: `${name} differs from the SQL files.`, hint: commands.embed }];
  } catch (error) {
    return [{ message: `${name} cannot be loaded. ${messageOf(error)}`, hint: commands.embed }];
  }
}
