import { DorkDbError } from '../errors.ts';
import { quoted } from '../migrations/rows.ts';
import type { Thread, ThreadConnection } from '../worker/thread.ts';
import { type Pruned, pruneTree } from './prune-tree.ts';

/** What was not copied, by table; tables of which everything was copied are not in it. */
export interface NotCopied {
  /** Unreadable rows; null if no readable index of the table shows how many rows it had. */
  readonly unreadable: Readonly<Record<string, number | null>>;
  /** Rows that were read and that no file can have beside the others: a key that is there already, or none. */
  readonly refused: Readonly<Record<string, number>>;
}

/**
 * Copies a damaged database into an empty file, table by table, and around the damage. Indexes, triggers and views are
 * made when all rows are there, so that no trigger counts a row twice.
 *
 * @param damaged A copy of the damaged set, since it is changed: what cannot be read is taken out of its trees.
 * @throws DorkDbError if its schema cannot be read.
 */
export async function recoverByTables(thread: Thread, damaged: string, to: string): Promise<NotCopied> {
  await foldWal(thread, damaged);
  const connection = await thread.open(to, { readonly: false });
  try {
    // A value that a CHECK forbids is kept: the report shows that the check fails, and no other copy of it exists.
    for (const pragma of ['foreign_keys = OFF', 'trusted_schema = OFF', 'ignore_check_constraints = ON'])
      await connection.all(`PRAGMA ${pragma}`);
    const source = new Source(connection, damaged);
    await source.attach();
    const objects = await source.objects();
    const unreadable: Record<string, number | null> = {};
    const refused: Record<string, number> = {};
    const tables = objects.filter(({ type }) => type === 'table');
    // A virtual table has no tree of its own. It makes the ordinary tables behind it, which only it may write to.
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
    // Last, since the text of a search table may be in another table.
    for (const { name } of virtual) if (!(await source.copyVirtual(quoted(name)))) unreadable[name] = null;
    for (const { sql } of objects.filter(({ type }) => type !== 'table')) await makeObject(connection, sql);
    return { unreadable, refused };
  } finally {
    await connection.close();
  }
}

/** Writes the pages of the -wal into the file, so that pages can be read from the file alone. */
async function foldWal(thread: Thread, damaged: string): Promise<void> {
  const connection = await thread.open(damaged, { readonly: false });
  try {
    await isRead(connection, 'PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    await connection.close();
  }
}

/** An object that the recovered rows do not allow, as a unique index, is left out; the schema's drift tells of it. */
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

  /** Returns false if its module or its content could not be read. */
  async copyVirtual(table: string): Promise<boolean> {
    const columns = await this.#connection.all<{ name: string }>(
      'SELECT name FROM pragma_table_info(?)',
      unquoted(table),
    );
    const list = ['rowid', ...columns.map(({ name }) => quoted(name))].join(', ');
    return await isRead(this.#connection, `INSERT INTO main.${table} (${list}) SELECT ${list} FROM damaged.${table}`);
  }

  /** Returns how many rows were read and refused; undefined if damage was met, and nothing was copied. */
  async #copy(table: string): Promise<number | undefined> {
    // By the table itself, whose indexes may differ from it. Without a condition SQLite would copy pages as they are,
    // with rows that break a rule and indexes that are wrong.
    const from = `damaged.${table} NOT INDEXED WHERE true`;
    const list = await this.#stored(table);
    if (!(await isRead(this.#connection, `INSERT OR IGNORE INTO main.${table} (${list}) SELECT ${list} FROM ${from}`)))
      return undefined;
    const [row] = await this.#connection.all<{ n: number }>(`SELECT count(*) - changes() AS n FROM ${from}`);
    return row?.n ?? 0;
  }

  /** What a row consists of: its rowid, by which a search table may refer to it, and the columns that are not computed. */
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

  /** AUTOINCREMENT gives no id twice, of deleted rows neither. https://sqlite.org/autoinc.html */
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
    // If it is damaged, the ids go on after the greatest that is left.
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

  /** Indexes that have every row of the table. */
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
      // Not count(*), which SQLite answers from whichever tree is smallest.
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

/** What damage of the file that is read gives; a failure to write the other one is none of it. */
const DAMAGE = /^SQLITE_(CORRUPT|NOTADB|ERROR|IOERR_(READ|SHORT_READ|CORRUPTFS|DATA))/;

function isDamage(error: unknown): boolean {
  return error instanceof DorkDbError && DAMAGE.test(error.code);
}

/** False where the statement met damage; it has then changed nothing. */
async function isRead(connection: ThreadConnection, sql: string): Promise<boolean> {
  try {
    await connection.all(sql);
    return true;
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
}
