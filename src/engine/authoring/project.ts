import { relative, sep } from 'node:path';
import type { Connection } from '../connection/connection.ts';
import { type AllowLoss, type History, readHistory } from '../migrations/history.ts';

/** The configuration of drizzle-kit for a project. https://orm.drizzle.team/docs/drizzle-config-file */
export interface KitConfig {
  /** The files of the schema, from the project's folder. */
  readonly schema: string | readonly string[];
  readonly casing?: string;
  readonly migrations?: object;
  readonly driver?: string;
}

/** A host's project, for the commands of its developers. */
export interface Project {
  /** The folder in which drizzle-kit runs, with `node_modules`; absolute. */
  readonly root: string;
  /** The migration folder, absolute. */
  readonly folder: string;
  /** The module that embeds the migrations, absolute. It need not exist. */
  readonly module: string;
  /** The configuration of drizzle-kit without the folder. */
  readonly config: KitConfig;
  /** Intended losses of the migrations. */
  readonly allowLoss?: AllowLoss | undefined;
  /** Returns a new empty database in memory for every available driver; the caller closes them. */
  readonly empties: () => readonly Connection[];
  /** True if the names of migrations must describe their purpose. */
  readonly checksNames: boolean;
  /** The commands to type, e.g. `notes-db generate`. */
  readonly commands: { readonly generate: string; readonly embed: string };
  /** Content of the module besides the migrations. */
  readonly embedding?: Embedding;
}

/** The content of an embedding module other than the migrations. */
export interface Embedding {
  /** The module that the type History is imported from. Default: `@dorkos/db/engine`. */
  readonly typeFrom?: string;
  readonly applicationId?: number;
}

/** Reads the migrations of a project and their intended losses. */
export function historyOf({ folder, allowLoss }: Pick<Project, 'folder' | 'allowLoss'>): History {
  return { ...readHistory(folder), ...(allowLoss && { allowLoss }) };
}

/** Returns a path for display: relative to the project's folder, with slashes. */
export function shown(root: string, path: string): string {
  return (relative(root, path) || '.').replaceAll(sep, '/');
}
