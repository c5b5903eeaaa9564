import { is } from 'drizzle-orm/entity';
import { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { getTableName } from 'drizzle-orm/table';
import { connectionOf } from '../engine/connection/db.ts';
import { openedTables } from '../engine/connection/opened-tables.ts';
import { DorkDbError } from '../engine/errors.ts';
import type { Db } from './db.ts';
import * as mesh from './mesh/schema.ts';
import * as pulse from './pulse/schema.ts';
import * as relay from './relay/schema.ts';

/** The domain of each table, by the schema module that declares it. */
const DOMAIN_OF = new Map(
  Object.entries({ pulse, relay, mesh }).flatMap(([domain, schema]) =>
    Object.values(schema)
      .filter((declared) => is(declared, SQLiteTable))
      .map((table): [string, string] => [getTableName(table), domain]),
  ),
);

/**
 * For tests and development: from now on, a statement of a store is refused when it is prepared and would open a table
 * of another domain (or of none), itself or by a trigger or a foreign key action.
 *
 * The b-trees that the statement opens are read from SQLite's own EXPLAIN, which includes those of views, subqueries and
 * triggers. Only the statements of stores are looked at, each once, before its first run; your own queries on `db` may
 * join what they like. It costs some hundred microseconds a statement and nothing afterwards.
 *
 * The refusal is a {@link DorkDbError} with the code `DOMAIN_VIOLATION`, thrown by the store's method; nothing was run.
 *
 * @example
 * ```ts
 * const db = createDb(':memory:');
 * guardDomains(db);
 * new PulseStore(db).getSchedules(); // opens pulse_schedules alone
 * ```
 */
export function guardDomains(db: Pick<Db, '$client'>): void {
  const connection = connectionOf(db);
  connection.onPrepare((sql, domain) => {
    if (domain === undefined) return;
    for (const table of openedTables(connection, sql)) {
      const owner = DOMAIN_OF.get(table);
      if (owner !== domain) throw violation(domain, table, owner);
    }
  });
}

function violation(domain: string, table: string, owner: string | undefined): DorkDbError {
  const whose = owner === undefined ? 'belongs to no domain' : `belongs to ${owner}`;
  return new DorkDbError(
    'DOMAIN_VIOLATION',
    `A statement of ${domain} opens ${table}, which ${whose}. It was not run, and nothing was changed.`,
    { hint: `Ask the stores of ${owner ?? 'its owner'} for it, or do both in one transaction of whoever calls them.` },
  );
}
