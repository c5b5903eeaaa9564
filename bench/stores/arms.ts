import type { Db } from '../../src/dork/db.ts';
import type { BareDatabase } from '../harness/bare.ts';
import type { Package } from '../harness/ours.ts';
import type { Builder } from './builder.ts';

/** The three ways to the same file's rows, each with its own copy of it. */
export interface Arms {
  readonly pkg: Package;
  readonly db: Db;
  readonly bare: BareDatabase;
  readonly builder: Builder;
  /** Rows of each big table. */
  readonly rows: number;
}

/** The result without what differs from call to call: new ids and the instant of now. */
export function without(...fields: string[]): (result: unknown) => unknown {
  return (result) => Object.fromEntries(Object.entries(result as object).filter(([key]) => !fields.includes(key)));
}
