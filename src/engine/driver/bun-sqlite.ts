import { constants, Database, type SQLQueryBindings, type Statement } from 'bun:sqlite';
import { SQLiteBunSession } from 'drizzle-orm/bun-sqlite/session';
import { UnsupportedRuntimeError } from '../errors.ts';
import { leadingWords, splitStatements, withBackquotes } from '../sql/sql-text.ts';
import { isAtLeast } from '../version.ts';
import type { Adapter, DriverDatabase, RunResult, SqliteValue } from './adapter.ts';
import { assertCount } from './bind.ts';
import { ExactStatement } from './exact-statement.ts';
import type { Column } from './integers.ts';

/** An older Bun reports a new file as locked. */
const OLDEST_BUN = '1.4.0';

/** @throws UnsupportedRuntimeError */
function refuseOldBun(): void {
  const { bun: version = '' } = process.versions;
  if (isAtLeast(version, OLDEST_BUN)) return;
  throw new UnsupportedRuntimeError('BUN_TOO_OLD', `Bun ${version} is too old for @dorkos/db. Nothing was opened.`, {
    hint: `Run Bun ${OLDEST_BUN} or newer (bun upgrade).`,
  });
}

/** Refuses a missing parameter like the other drivers. Bun would bind NULL. */
function counted(
  statement: Statement<unknown, SQLQueryBindings[]>,
  params: readonly SqliteValue[],
): readonly SqliteValue[] {
  assertCount(params, statement.paramsCount);
  return params;
}

/** Returns true for a statement whose text SQLite stores in the schema. */
function isKept(sql: string): boolean {
  // Every query of Drizzle's passes here, so the slower lexer is only for a text that begins with a comment.
  if (/^\w/.test(sql)) return /^(CREATE|ALTER)\b/i.test(sql);
  const [word = ''] = leadingWords(sql, 1);
  return word === 'CREATE' || word === 'ALTER';
}

/**
 * Prepares a statement with backquotes instead of double quotes. Bun's SQLite takes a double-quoted name without a match
 * for text. In backquotes it is an error, also when SQLite compiles the statement again after a change of the schema.
 */
function prepareStrictly(database: Database, sql: string): Statement<unknown, SQLQueryBindings[]> {
  const strict = sql.includes('"') ? withBackquotes(sql) : sql;
  if (strict === sql) return database.prepare(sql);
  if (isKept(sql)) database.prepare(`EXPLAIN ${strict}`).finalize();
  else {
    const statement = database.prepare<unknown, SQLQueryBindings[]>(strict);
    // A column without an alias is named after its text.
    if (!statement.columnNames.some((name) => name.includes('`'))) return statement;
    statement.finalize();
  }
  return database.prepare(sql);
}

class BunStatement extends ExactStatement {
  readonly readonly: boolean;
  readonly isQuery: boolean;
  readonly #database: Database;
  readonly #statement: Statement<unknown, SQLQueryBindings[]>;

  constructor(database: Database, sql: string) {
    super(sql);
    this.#database = database;
    this.#statement = prepareStrictly(database, sql);
    const { readonly, reader } = this.#statement as unknown as { readonly: boolean; reader: boolean };
    this.readonly = readonly;
    this.isQuery = readonly && reader;
  }

  run(params: readonly SqliteValue[]): RunResult {
    const result = this.#statement.run(...counted(this.#statement, params));
    if (Number.isSafeInteger(result.lastInsertRowid)) return result;
    const rowid = this.#database.prepare('SELECT last_insert_rowid()').safeIntegers(true).values()[0] as [bigint];
    return { changes: result.changes, lastInsertRowid: rowid[0] };
  }

  protected readFirst(params: readonly SqliteValue[]): unknown {
    return this.#statement.get(...counted(this.#statement, params));
  }

  protected readAll(params: readonly SqliteValue[]): unknown[] {
    return this.#statement.all(...counted(this.#statement, params));
  }

  protected readValues(params: readonly SqliteValue[]): unknown[][] {
    return this.#statement.values(...counted(this.#statement, params)) as unknown[][];
  }

  protected readEach(params: readonly SqliteValue[]): Iterable<unknown> {
    return this.#statement.iterate(...counted(this.#statement, params));
  }

  protected asBigints(isOn: boolean): void {
    this.#statement.safeIntegers(isOn);
  }

  protected columns(): Column[] {
    const { columnNames, declaredTypes } = this.#statement;
    return columnNames.map((name, i) => ({ name, type: declaredTypes[i] ?? null }));
  }
}

/** https://sqlite.org/uri.html#uriimmutable */
const IMMUTABLE_FLAGS = constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI;

/** SQLite as it is built into Bun. https://bun.com/docs/api/sqlite */
export const bunSqlite: Adapter = {
  driver: 'bun:sqlite',
  bindsNumbersAsReal: false,

  thread: {
    module: () => 'bun:sqlite',
    open: `({ Database }, filename, { readonly, isClosed }) => {
      const database = isClosed
        ? new Database(Bun.pathToFileURL(filename).href + '?immutable=1', ${IMMUTABLE_FLAGS})
        : new Database(filename, readonly ? { readonly } : { readwrite: true, create: false });
      return { all: (sql, params) => database.prepare(sql).all(...params), close: () => database.close(true) };
    }`,
  },

  load: refuseOldBun,
  library: () => 'bun:sqlite',
  version: () => Bun.version,

  open(filename, { readonly, isClosed }): DriverDatabase {
    refuseOldBun();
    const database = isClosed
      ? new Database(`${Bun.pathToFileURL(filename).href}?immutable=1`, IMMUTABLE_FLAGS)
      : // A file must be there; in memory, `create` lets ATTACH make one, as better-sqlite3 does.
        new Database(filename, readonly ? { readonly } : { readwrite: true, create: filename === ':memory:' });
    return {
      prepare: (sql) => new BunStatement(database, sql),
      exec(sql) {
        if (sql.includes('"')) for (const one of splitStatements(sql)) prepareStrictly(database, one).run();
        // Bun refuses a text without a statement.
        else if (/^\s*\w/.test(sql) || splitStatements(sql).length > 0) database.run(sql);
      },
      get inTransaction() {
        return database.inTransaction;
      },
      isImmutable: isClosed,
      // Without `true` the file and its locks stay until every statement is garbage.
      close: () => database.close(true),
    };
  },

  session: (connection, dialect) => new SQLiteBunSession(connection as never, dialect, undefined) as never,
};
