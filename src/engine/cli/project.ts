import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { KitConfig, Project } from '../authoring/project.ts';
import { InvalidInputError } from '../errors.ts';
import { isThere } from '../file/fs.ts';
import { MEMORY, shellQuoted } from '../file/path.ts';
import { messageOf } from '../realm.ts';
import type { Call } from './command.ts';

/** Options of the commands for whoever changes the schema. */
export interface ProjectOptions {
  readonly module?: string;
  readonly schema?: readonly string[];
}

/** How the options of {@link ProjectOptions} are described. */
export const PROJECT_OPTIONS = {
  '--module <file>': 'the module with the embedded migrations (default: history.ts in the folder)',
  '--schema <file...>': 'the files of the Drizzle schema (default: those of drizzle.config.ts)',
} as const;

const CONFIGS = ['ts', 'mts', 'js', 'mjs', 'json'].map((ending) => `drizzle.config.${ending}`);

/** The content of a drizzle.config.ts: {@link KitConfig} and the folder. */
interface ConfigFile extends Partial<KitConfig> {
  readonly out?: string;
}

/**
 * Returns the project in the current folder.
 *
 * @param folder The migration folder. Default: the one of drizzle.config.ts, else `drizzle`.
 * @throws InvalidInputError if drizzle.config.ts is needed and cannot be read.
 */
export async function projectOf(call: Call, folder: string | undefined, given: ProjectOptions): Promise<Project> {
  const root = process.cwd();
  const isComplete = folder !== undefined && given.schema !== undefined;
  const { out = 'drizzle', ...config } = isComplete ? {} : await readConfig(root);
  const migrations = resolve(root, folder ?? out);
  const module = resolve(root, given.module ?? defaultModule(migrations));
  const to = given.module === undefined ? '' : ` --to ${shellQuoted(given.module)}`;
  const where = folder === undefined ? '' : ` ${shellQuoted(folder)}`;
  return {
    root,
    folder: migrations,
    module,
    config: { ...kitConfig(config), schema: given.schema ?? config.schema ?? [] },
    allowLoss: call.kit.definition.history.allowLoss,
    empties: () => [call.kit.createDb(MEMORY, { migrations: 'skip' }).$client],
    checksNames: false,
    commands: { generate: `${call.command} generate`, embed: `${call.command} embed${where}${to}` },
  };
}

/** TypeScript, unless there is one of JavaScript. */
function defaultModule(folder: string): string {
  const names = ['history.ts', 'history.js', 'history.mjs'].map((name) => join(folder, name));
  return names.find(isThere) ?? join(folder, 'history.ts');
}

/** Returns the options that drizzle-kit needs to generate, without its credentials. */
function kitConfig({ casing, migrations, driver }: ConfigFile): Partial<KitConfig> {
  return {
    ...(casing !== undefined && { casing }),
    ...(migrations !== undefined && { migrations }),
    ...(driver !== undefined && { driver }),
  };
}

async function readConfig(root: string): Promise<ConfigFile> {
  const path = CONFIGS.map((name) => join(root, name)).find(isThere);
  if (path === undefined) return {};
  try {
    if (path.endsWith('.json')) return JSON.parse(readFileSync(path, 'utf8'));
    const loaded = (await import(/* webpackIgnore: true */ /* @vite-ignore */ pathToFileURL(path).href)) as {
      readonly default?: ConfigFile;
    };
    return loaded.default ?? {};
  } catch (cause) {
    throw new InvalidInputError(path, `cannot be loaded: ${messageOf(cause)}`, {
      hint: 'Give the folder and --schema instead.',
      cause,
    });
  }
}

/** @throws InvalidInputError if no file of the schema is known. */
export function requireSchema({ config }: Project): void {
  if (config.schema.length > 0) return;
  throw new InvalidInputError('--schema', 'is missing, and there is no drizzle.config.ts that names the schema', {
    hint: 'Give --schema FILE, or run this in the folder with drizzle.config.ts.',
  });
}
