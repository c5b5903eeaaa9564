import type { AnyDb, Schema } from '../connection/db.ts';
import type { DefinedDb } from '../define-db.ts';
import type { Block } from './blocks.ts';

/** The argument of a view's `read()`. */
export interface Look {
  /** The console's own read-only connection. */
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
  /** Milliseconds between two reads for an open page. Null: the view is read once. */
  readonly everyMs: number | null;
  /** Returns true for parameters whose read is too expensive to repeat. Default: false for all. */
  readonly isOnce?: (params: Readonly<Record<string, string>>) => boolean;
  /** Reads the file. It must not write or leave a transaction open. */
  read(look: Look): readonly Block[] | Promise<readonly Block[]>;
}
