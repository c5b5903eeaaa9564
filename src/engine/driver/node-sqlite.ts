import type { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { BetterSQLiteSession } from 'drizzle-orm/better-sqlite3/session';
import { InvalidInputError } from '../errors.ts';
import { leadingWords, splitStatements } from '../sql/sql-text.ts';
import type { Adapter, DriverDatabase, DriverStatement } from './adapter.ts';
import { loadNodeSqlite } from './load-node-sqlite.ts';
import { AttachStatement } from './node-attach.ts';
import { NAMED, named } from './node-error.ts';
import { NodeStatement } from './node-statement.ts';

/** Returns a URI, because the driver creates a missing file for a plain path. https://sqlite.org/uri.html */
function uri(filename: string, { readonly, isClosed }: { readonly: boolean; isClosed: boolean }): string {
  const { href } = pathToFileURL(filename);
  if (isClosed) return `${href}?mode=ro&immutable=1`;
  return `${href}?mode=${readonly ? 'ro' : 'rw'}`;
}

class NodeDatabase implements DriverDatabase {
  readonly isImmutable: boolean;
  readonly #database: DatabaseSync;
  /** True if SQLite would create an attached file. */
  readonly #mayCreate: boolean;

  constructor(database: DatabaseSync, isImmutable: boolean, mayCreate: boolean) {
    this.#database = database;
    this.isImmutable = isImmutable;
    this.#mayCreate = mayCreate;
  }

  prepare(sql: string, names: readonly (string | undefined)[] | undefined): DriverStatement {
    if (!/^\s*\w/.test(sql) && splitStatements(sql).length === 0) {
      throw new InvalidInputError('sql', 'holds no statement');
    }
    try {
      const isAttach = this.#mayCreate && /\battach\b/i.test(sql) && leadingWords(sql, 1)[0] === 'ATTACH';
      return new (isAttach ? AttachStatement : NodeStatement)(this.#database, sql, names);
    } catch (error) {
      throw named(error);
    }
  }

  exec(sql: string): void {
    if (this.#mayCreate && /\battach\b/i.test(sql)) {
      for (const one of splitStatements(sql)) this.prepare(one, undefined).run([]);
      return;
    }
    try {
      this.#database.exec(sql);
    } catch (error) {
      throw named(error);
    }
  }

  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  close(): void {
    this.#database.close();
  }
}

/** SQLite as it is built into Node: nothing to install. https://nodejs.org/api/sqlite.html */
export const nodeSqlite: Adapter = {
  driver: 'node:sqlite',
  bindsNumbersAsReal: true,

  thread: {
    module: () => 'node:sqlite',
    open: `({ DatabaseSync }, filename, { readonly, isClosed }) => {
      const named = ${NAMED};
      const attempt = (fn) => {
        try {
          return fn();
        } catch (error) {
          throw named(error);
        }
      };
      const { href } = require('node:url').pathToFileURL(filename);
      const path = href + (isClosed ? '?mode=ro&immutable=1' : readonly ? '?mode=ro' : '?mode=rw');
      const options = { readOnly: readonly || isClosed, timeout: 5000, defensive: true };
      const database = attempt(() => new DatabaseSync(path, options));
      return { all: (sql, params) => attempt(() => database.prepare(sql).all(...params)), close: () => database.close() };
    }`,
  },

  load: () => void loadNodeSqlite(),
  library: () => 'node:sqlite',
  version: () => process.versions.node,

  open(filename, options): DriverDatabase {
    const { DatabaseSync } = loadNodeSqlite();
    const isFile = filename !== ':memory:';
    const readOnly = options.readonly || options.isClosed;
    try {
      const database = new DatabaseSync(isFile ? uri(filename, options) : filename, {
        readOnly,
        // As better-sqlite3's, until the pragma is set.
        timeout: 5000,
        // As the other drivers are built: the schema is not written as a table.
        ...{ defensive: true },
      });
      return new NodeDatabase(database, options.isClosed, isFile && !readOnly);
    } catch (error) {
      throw named(error);
    }
  },

  session: (connection, dialect) => new BetterSQLiteSession(connection as never, dialect, undefined) as never,
};
