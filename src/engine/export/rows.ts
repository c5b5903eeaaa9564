import type { Connection } from '../connection/connection.ts';
import type { Row, SqliteValue } from '../driver/adapter.ts';
import { quoted } from '../migrations/rows.ts';
import { type ExactCell, encodeCell } from './cell.ts';
import type { Manifest } from './format.ts';
import { type ExportTable, named } from './tables.ts';

/** Reads the rows of a table in its own order, each as one line of JSON with its line feed. */
export function* linesOf(
  connection: Connection,
  table: ExportTable,
  encoding: Manifest['encoding'],
): Generator<string, void, undefined> {
  const { columns, kinds, order } = table;
  // Without rowids, the order is that of the primary key, unless SQLite used an index with every column.
  const from = `FROM ${named(table)} ${order === undefined ? 'NOT INDEXED' : `ORDER BY ${order}`}`;
  const names = columns.map(({ name }) => quoted(name));
  // The name of a column may be that of a property of every object.
  const rows = connection.prepare(`SELECT ${names.map((name, i) => `${name} AS c${i}`).join(', ')} ${from}`);
  const keys = columns.map(({ name }, i) => [`c${i}`, `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`] as const);
  using exact = new ExactRows(connection, names, from);
  const isValidText = validText(encoding);
  let row = 0;
  for (const values of rows.iterate() as Iterable<Row>) {
    let line = '';
    for (let i = 0; i < keys.length; i++) {
      const [key, start] = keys[i] as (typeof keys)[number];
      const value = values[key] as SqliteValue;
      line += start + encodeCell(value, kinds[i] ?? 'any', isValidText, () => exact.cell(row, i));
    }
    yield `${line}}\n`;
    row++;
  }
}

/** Returns a function that checks whether a driver's text equals the stored bytes. */
function validText(encoding: Manifest['encoding']): (text: string, bytes: Uint8Array) => boolean {
  return (text, bytes) => {
    const same = Buffer.from(text, encoding === 'UTF-8' ? 'utf8' : 'utf16le');
    return (encoding === 'UTF-16be' ? same.swap16() : same).equals(bytes);
  };
}

/**
 * Reads the exact content of the rows in a second loop, starting at the first ambiguous cell. Both loops read the same
 * state of the file in the same order.
 */
class ExactRows implements Disposable {
  readonly #open: () => Iterator<Row>;
  #rows: Iterator<Row> | undefined;
  #at = -1;
  #values: Row | undefined;

  constructor(connection: Connection, names: readonly string[], from: string) {
    const cells = names.map(
      (name, i) =>
        `CASE typeof(${name}) WHEN 'integer' THEN CAST(${name} AS TEXT) WHEN 'text' THEN CAST(${name} AS BLOB) END AS c${i}`,
    );
    this.#open = () => connection.prepare<Row>(`SELECT ${cells.join(', ')} ${from}`).iterate();
  }

  cell(row: number, column: number): ExactCell {
    this.#rows ??= this.#open();
    for (; this.#at < row; this.#at++) this.#values = this.#rows.next().value as Row;
    return this.#values?.[`c${column}`] as ExactCell;
  }

  [Symbol.dispose](): void {
    this.#rows?.return?.();
  }
}
