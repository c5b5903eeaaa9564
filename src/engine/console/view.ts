import type { AnyDb, Schema } from '../connection/db.ts';
import type { DefinedDb } from '../define-db.ts';
import type { Block } from './blocks.ts';

/** What a view is given. */
export interface Look {
  /** A read-only connection of the console's own. */
  readonly db: AnyDb;
  readonly kit: DefinedDb<Schema>;
  /** The database file, absolute. */
  readonly filename: string;
  /** The parameters of the address. */
  readonly params: Readonly<Record<string, string>>;
}

/** One view of the console. */
export interface View {
  /** Its name in addresses, one word. */
  readonly name: string;
  readonly title: string;
  /** Milliseconds between two looks of an open page; null if it is looked at once. */
  readonly everyMs: number | null;
  /** Returns true for parameters whose answer costs too much to ask again and again. Default: false for all. */
  readonly isOnce?: (params: Readonly<Record<string, string>>) => boolean;
  /** Reads the file. Nothing may be written, and no transaction may be left open. */
  read(look: Look): readonly Block[] | Promise<readonly Block[]>;
}
