import { DorkDbError } from '../errors.ts';
import { quoted } from '../migrations/rows.ts';
import type { Thread, ThreadConnection } from '../worker/thread.ts';
import { type Pruned, pruneTree } from './prune-tree.ts';

/** The rows that were not copied, by table. Completely copied tables are not included. */
export interface NotCopied {
  /** Number of unreadable rows; null if it is unknown, because the table has no readable index. */
  readonly unreadable: Readonly<Record<string, number | null>>;
  /** Number of rows that were read but could not be inserted: their key is a duplicate or missing. */
  readonly refused: Readonly<Record<string, number>>;
}

/**
 * Copies a damaged database into an empty file, table by table, skipping the damage. Indexes, triggers and views are
 * created after all rows, so that triggers do not change them.
 *
 * @param damaged A copy of the damaged files. It is changed: unreadable parts are removed from its trees.
 * @throws DorkDbError if its schema is unreadable.
 */
export async function recoverByTables(thread: Thread, damaged: string, to: string): Promise<NotCopied> {
  await foldWal(thread, damaged);
  const connection = await thread.open(to, { readonly: false });
  try {
    // Values that violate a CHECK are kept: the report shows the failed check, and there is no other copy of them.
    for (const pragma of ['foreign_keys = OFF', 'trusted_schema = OFF', 'ignore_check_constraints = ON'])
      await connection.all(`PRAGMA ${pragma}`);
    const source = new Source(connection, damaged);
    await source.attach();
    const objects = await source.objects();
    const unreadable: Record<string, number | null> = {};
    const refused: Record<string, number> = {};
    const tables = objects.filter(({ type }) => type === 'table');
    // A virtual table has no tree of its own. It creates its shadow tables, and only it may write to them.
    const virtual = tables.filter(({ rootpage }) => rootpage === 0);
    for (const { sql } of virtual) await makeObject(connection, sql);
    const made = await connection.all<{ name: string }>("SELECT name FROM main.sqlite_schema WHERE type = 'table'");
    const isMade = (table: string) => made.some(({ name }) => name === table);
    for (const { name, sql, rootpage } of tables.filter((table) => table.rootpage !== 0 && !isMade(table.name))) {
      await connection.all(sql);
      const result = await source.copyTable(quoted(name), rootpage);
      if (result.unreadable !== 0) unreadable[name] = result.unreadable;
      if (result.refused > 0) refused[name] = result.refused;
    }
    await source.keepSequences();
    // Last, because the text of a search table may be in another table.
    for (const { name } of virtual) if (!(await source.copyVirtual(quoted(name)))) unreadable[name] = null;
    for (const { sql } of objects.filter(({ type }) => type !== 'table')) await makeObject(connection, sql);
    return { unreadable, refused };
  } finally {
    await connection.close();
  }
}

/** Writes the pages of the -wal into the file, so that all pages can be read from the file itself. */
async function foldWal(thread: Thread, damaged: string): Promise<void> {
  const connection = await thread.open(damaged, { readonly: false });
  try {
    await isRead(connection, 'PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    await connection.close();
  }
}

/**
 * Creates an object. One that does not fit the recovered rows, e.g. a unique index, is skipped; the schema's drift
 * reports it.
 */
async function makeObject(connection: ThreadConnection, sql: string): Promise<void> {
  try {
    await connection.all(sql);
  } catch (error) {
    if (!(error instanceof DorkDbError)) throw error;
  }
}

interface SourceObject {
  readonly type: string;
  readonly name: string;
  readonly sql: string;
  readonly rootpage: number;
}

/** The damaged database, attached to the connection of the new file. */
class Source {
  readonly #connection: ThreadConnection;
  readonly #path: string;

  constructor(connection: ThreadConnection, path: string) {
    this.#connection = connection;
    this.#path = path;
  }

  async attach(): Promise<void> {
    await this.#connection.all('ATTACH ? AS damaged', this.#path);
  }

  async objects(): Promise<SourceObject[]> {
    const read = () =>
      this.#connection.all<SourceObject>(
        "SELECT type, name, sql, rootpage FROM damaged.sqlite_schema WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*'",
      );
    try {
      return await read();
    } catch (error) {
      if (!isDamage(error)) throw error;
      await this.#prune(SCHEMA_ROOT);
      return read();
    }
  }

  /** Copies every readable row of a table. */
  async copyTable(table: string, root: number): Promise<{ unreadable: number | null; refused: number }> {
    const refused = await this.#copy(table);
    if (refused !== undefined) return { unreadable: 0, refused };
    const indexes = await this.#indexesOf(table);
    const { copies } = await this.#prune(root);
    const rest = await this.#copy(table);
    if (rest === undefined) return { unreadable: null, refused: 0 };
    const had = await this.#rowsByIndex(table, indexes);
    const [row] = await this.#connection.all<{ n: number }>(`SELECT count(*) AS n FROM main.${table}`);
    const twice = Math.max(0, rest - copies);
    return { unreadable: had === undefined ? null : Math.max(0, had - (row?.n ?? 0) - twice), refused: twice };
  }

  /** Returns false if its module or its content is unreadable. */
  async copyVirtual(table: string): Promise<boolean> {
    const columns = await this.#connection.all<{ name: string }>(
      'SELECT name FROM pragma_table_info(?)',
      unquoted(table),
    );
    const list = ['rowid', ...columns.map(({ name }) => quoted(name))].join(', ');
    return await isRead(this.#connection, `INSERT INTO main.${table} (${list}) SELECT ${list} FROM damaged.${table}`);
  }

  /**
   * Returns the number of rows that were read but not inserted; undefined if there was damage, and nothing was copied.
   */
  async #copy(table: string): Promise<number | undefined> {
    // Reads the table itself, because its indexes may differ from it. Without a condition SQLite would copy whole
    // pages, including invalid rows and wrong indexes.
    const from = `damaged.${table} NOT INDEXED WHERE true`;
    const list = await this.#stored(table);
    if (!(await isRead(this.#connection, `INSERT OR IGNORE INTO main.${table} (${list}) SELECT ${list} FROM ${from}`)))
      return undefined;
    const [row] = await this.#connection.all<{ n: number }>(`SELECT count(*) - changes() AS n FROM ${from}`);
    return row?.n ?? 0;
  }

  /**
   * Returns the columns to copy: the rowid, which a search table may refer to, and all columns that are not generated.
   */
  async #stored(table: string): Promise<string> {
    const name = unquoted(table);
    const columns = await this.#connection.all<{ name: string }>(
      "SELECT name FROM pragma_table_xinfo(?, 'main') WHERE hidden = 0",
      name,
    );
    const [kind] = await this.#connection.all<{ wr: number }>(
      "SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'",
      name,
    );
    const taken = new Set(columns.map((column) => column.name.toLowerCase()));
    const rowid = kind?.wr ? undefined : ['rowid', '_rowid_', 'oid'].find((alias) => !taken.has(alias));
    return [...(rowid ? [rowid] : []), ...columns.map((column) => quoted(column.name))].join(', ');
  }

  /** Copies the last AUTOINCREMENT ids, so that ids of deleted rows are not reused. https://sqlite.org/autoinc.html */
  async keepSequences(): Promise<void> {
    const both = await this.#connection.all<{ n: number }>(
      `SELECT (SELECT count(*) FROM main.sqlite_schema WHERE name = 'sqlite_sequence')
         * (SELECT count(*) FROM damaged.sqlite_schema WHERE name = 'sqlite_sequence') AS n`,
    );
    if (!both[0]?.n) return;
    const theirs = 'SELECT max(seq) FROM damaged.sqlite_sequence AS d WHERE d.name = sqlite_sequence.name';
    const raise = `UPDATE main.sqlite_sequence SET seq = max(seq, coalesce((${theirs}), 0))`;
    const add = `INSERT INTO main.sqlite_sequence (name, seq) SELECT name, seq FROM damaged.sqlite_sequence
      WHERE name IN (SELECT name FROM main.sqlite_schema) AND name NOT IN (SELECT name FROM main.sqlite_sequence)`;
    // If the table is damaged, ids continue after the greatest remaining one.
    if (await isRead(this.#connection, raise)) await isRead(this.#connection, add);
  }

  async #prune(root: number): Promise<Pruned> {
    await this.#connection.all('DETACH damaged');
    try {
      return pruneTree(this.#path, root);
    } finally {
      await this.attach();
    }
  }

  /** Returns the indexes that contain every row of the table. */
  async #indexesOf(table: string): Promise<string[]> {
    const found = await this.#connection.all<{ name: string }>(
      `SELECT i.name FROM pragma_index_list(?, 'damaged') i JOIN damaged.sqlite_schema s USING (name)
       WHERE i.partial = 0 AND s.rootpage > 0`,
      unquoted(table),
    );
    return found.map(({ name }) => name);
  }

  async #rowsByIndex(table: string, indexes: readonly string[]): Promise<number | undefined> {
    for (const index of indexes) {
      // Not count(*), which SQLite computes from the smallest tree.
      const sql = `SELECT coalesce(sum(1), 0) AS n FROM damaged.${table} INDEXED BY ${quoted(index)}`;
      try {
        return (await this.#connection.all<{ n: number }>(sql))[0]?.n;
      } catch (error) {
        if (!isDamage(error)) throw error;
      }
    }
    return undefined;
  }
}

const SCHEMA_ROOT = 1;

const unquoted = (table: string) => table.slice(1, -1).replaceAll('""', '"');

/** Error codes for damage of the source file, excluding failures to write the new one. */
const DAMAGE = /^SQLITE_(CORRUPT|NOTADB|ERROR|IOERR_(READ|SHORT_READ|CORRUPTFS|DATA))/;

function isDamage(error: unknown): boolean {
  return error instanceof DorkDbError && DAMAGE.test(error.code);
}

/** Returns false if the statement met damage; it has then changed nothing. */
async function isRead(connection: ThreadConnection, sql: string): Promise<boolean> {
  try {
    await connection.all(sql);
    return true;
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
}
