import { relative, sep } from 'node:path';
import type { Connection } from '../connection/connection.ts';
import { type AllowLoss, type History, readHistory } from '../migrations/history.ts';

/** What drizzle-kit is told of a project. https://orm.drizzle.team/docs/drizzle-config-file */
export interface KitConfig {
  /** The files of the schema, from the project's folder. */
  readonly schema: string | readonly string[];
  readonly casing?: string;
  readonly migrations?: object;
  readonly driver?: string;
}

/** A host's project, as its developers' commands see it. */
export interface Project {
  /** The folder in which drizzle-kit runs, with `node_modules`; absolute. */
  readonly root: string;
  /** The migration folder, absolute. */
  readonly folder: string;
  /** The module that embeds the migrations, absolute. It need not exist. */
  readonly module: string;
  /** What drizzle-kit is told besides the folder. */
  readonly config: KitConfig;
  /** What migrations may lose on purpose. */
  readonly allowLoss?: AllowLoss | undefined;
  /** Returns a new empty database in memory of every driver that there is; the caller closes them. */
  readonly empties: () => readonly Connection[];
  /** True if the names of migrations must say what they are for. */
  readonly checksNames: boolean;
  /** What to type, e.g. `notes-db generate`. */
  readonly commands: { readonly generate: string; readonly embed: string };
  /** What the module says of itself besides the migrations. */
  readonly embedding?: Embedding;
}

/** What an embedding module says besides the migrations. */
export interface Embedding {
  /** Where the type History is imported from. Default: `@dorkos/db/engine`. */
  readonly typeFrom?: string;
  readonly applicationId?: number;
}

/** Reads the migrations of a project, with what they may lose. */
export function historyOf({ folder, allowLoss }: Pick<Project, 'folder' | 'allowLoss'>): History {
  return { ...readHistory(folder), ...(allowLoss && { allowLoss }) };
}

/** Returns a path as it is shown: from the project's folder, with slashes. */
export function shown(root: string, path: string): string {
  return (relative(root, path) || '.').replaceAll(sep, '/');
}
