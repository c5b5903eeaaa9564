import { join } from 'node:path';
import type { Connection } from '../connection/connection.ts';
import type { Statement } from '../connection/statement.ts';
import type { SqliteValue } from '../driver/adapter.ts';
import { ConstraintError } from '../errors.ts';
import { quoted } from '../migrations/rows.ts';
import { decodeCell } from './cell.ts';
import type { Pace } from './pace.ts';
import { changed, readLines, refusal, type SourceTable } from './read-export.ts';
import { named } from './tables.ts';

/** Number of cached statements: one for each combination of values that need a CAST. */
const KEPT = 64;

/**
 * Inserts the rows of a table's file.
 *
 * @throws ExportError if a line is not a row of the table, or the file was changed.
 */
export async function insertRows(
  connection: Connection,
  folder: string,
  table: SourceTable,
  pace: Pace,
): Promise<void> {
  const path = join(folder, table.file);
  const hash = process.getBuiltinModule('node:crypto').createHash('sha256');
  const inserts = new Inserts(connection, table);
  let rows = 0;
  pace.begin(table.table);
  for (const line of readLines(path, (bytes) => hash.update(bytes))) {
    rows++;
    inserts.insert(line, `${path} line ${rows}`);
    if (pace.isDue()) await pace.pause();
  }
  if (rows !== table.rows) throw refusal('WRONG_COUNT', `${path} has ${rows} rows, but should have ${table.rows}`);
  if (hash.digest('hex') !== table.sha256) throw changed(path, 'has another SHA-256');
  pace.tell();
}

class Inserts {
  readonly #connection: Connection;
  readonly #table: SourceTable;
  readonly #start: string;
  readonly #statements = new Map<string, Statement>();
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  constructor(connection: Connection, table: SourceTable) {
    this.#connection = connection;
    this.#table = table;
    this.#start = `INSERT INTO ${named(table)} (${table.columns.map(({ name }) => quoted(name)).join(', ')}) VALUES`;
  }

  /** @param place The location of the line, for errors. */
  insert(line: Buffer, place: string): void {
    const row = this.#parse(line, place);
    const { columns } = this.#table;
    const values: SqliteValue[] = [];
    const placeholders: string[] = [];
    for (const { name } of columns) {
      const cell = Object.hasOwn(row, name) ? decodeCell(row[name]) : undefined;
      if (!cell) throw changed(place, `has no valid value for ${name}`);
      values.push(cell.value);
      placeholders.push(cell.sql);
    }
    const keys = Object.keys(row);
    if (keys.length !== columns.length) {
      const foreign = keys.find((key) => !columns.some(({ name }) => name === key));
      throw changed(place, `has a column ${foreign}, which ${this.#table.table} lacks`);
    }
    try {
      this.#statement(placeholders.join(', ')).run(...values);
    } catch (error) {
      if (error instanceof ConstraintError)
        throw refusal('REFUSED_ROW', `${place} is refused by the new database (${error.kind})`, undefined, error);
      throw error;
    }
  }

  #parse(line: Buffer, place: string): Record<string, unknown> {
    let row: unknown;
    if (line.at(-1) !== 10) throw refusal('CUT_LINE', `${place} is cut off`);
    try {
      row = JSON.parse(this.#decoder.decode(line));
    } catch {
      throw refusal('CUT_LINE', `${place} is not JSON, or is cut off`);
    }
    if (typeof row === 'object' && row !== null && !Array.isArray(row)) return row as Record<string, unknown>;
    throw changed(place, 'contains no row');
  }

  #statement(placeholders: string): Statement {
    const known = this.#statements.get(placeholders);
    if (known) return known;
    if (this.#statements.size === KEPT) this.#statements.clear();
    const statement = this.#connection.prepare(`${this.#start} (${placeholders})`);
    this.#statements.set(placeholders, statement);
    return statement;
  }
}
