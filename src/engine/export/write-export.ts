import { join } from 'node:path';
import type { Listener } from '../backup/listener.ts';
import type { Connection } from '../connection/connection.ts';
import { InvalidInputError } from '../errors.ts';
import { fsyncPath } from '../file/flush.ts';
import { type Owner, ownerOf } from '../file/owner.ts';
import { hostOf } from '../host.ts';
import { readLedger } from '../migrations/ledger.ts';
import { countRowsOf } from '../migrations/rows.ts';
import { now } from '../time.ts';
import { FORMAT, fileStem, MANIFEST, type Manifest, type TableSchema } from './format.ts';
import { Pace } from './pace.ts';
import type { ExportProgress } from './progress.ts';
import { linesOf } from './rows.ts';
import { type ExportTable, exportTables, lastIdOf, leftOutTables } from './tables.ts';
import { TextFile } from './text-file.ts';

/** Writes the files of an export into a folder, and flushes them. */
export async function writeExport(
  connection: Connection,
  folder: string,
  names: readonly string[] | undefined,
  listener: Listener<ExportProgress>,
  assertWanted: (() => void) | undefined,
): Promise<Manifest> {
  // The first read determines which state of the file the transaction sees.
  const all = exportTables(connection);
  const exportedAt = now();
  const tables = chosen(all, names);
  const encoding = connection.pragma('encoding', { simple: true }) as Manifest['encoding'];
  const totalRows = tables.reduce((sum, { table }) => sum + countRowsOf(connection, table), 0);
  const pace = new Pace(listener, 'writing', totalRows, assertWanted);
  const owner = ownerOf(folder);
  const written: Manifest['tables'] = [];
  for (const table of tables) {
    written.push(await writeTable(connection, folder, table, encoding, owner, pace));
  }
  const manifest: Manifest = {
    format: FORMAT,
    database: hostOf(connection).name,
    exportedAt,
    isWhole: tables.length === all.length,
    encoding,
    migrations: readLedger(connection).map(({ hash }) => hash),
    tables: written,
    leftOut: leftOutTables(connection),
  };
  writeJson(join(folder, MANIFEST), manifest, owner);
  fsyncPath(folder);
  return manifest;
}

function chosen(all: readonly ExportTable[], names: readonly string[] | undefined): readonly ExportTable[] {
  if (names === undefined) return all;
  const known = new Map(all.map((table) => [table.table.toLowerCase(), table]));
  const wanted = names.map((name) => {
    const table = known.get(name.toLowerCase());
    if (table) return table;
    throw new InvalidInputError('options.tables', 'has an unknown or derived table', {
      hint: `Tables to export: ${all.map((one) => one.table).join(', ')}.`,
    });
  });
  return [...new Set(wanted)];
}

async function writeTable(
  connection: Connection,
  folder: string,
  table: ExportTable,
  encoding: Manifest['encoding'],
  owner: Owner,
  pace: Pace,
): Promise<Manifest['tables'][number]> {
  const stem = fileStem(table.table);
  const [file, schema] = [`${stem}.jsonl`, `${stem}.schema.json`];
  using lines = new TextFile(join(folder, file), owner);
  let rows = 0;
  pace.begin(table.table);
  for (const line of linesOf(connection, table, encoding)) {
    lines.write(line);
    rows++;
    if (pace.isDue()) await pace.pause();
  }
  const { bytes, sha256 } = lines.end();
  pace.tell();
  const { columns, generated, sql } = table;
  writeJson(join(folder, schema), { table: table.table, columns, generated, sql } satisfies TableSchema, owner);
  const lastId = lastIdOf(connection, table.table);
  return { table: table.table, file, schema, rows, bytes, sha256, ...(lastId !== undefined && { lastId }) };
}

function writeJson(path: string, value: unknown, owner: Owner): void {
  using file = new TextFile(path, owner);
  file.write(`${JSON.stringify(value, null, 2)}\n`);
  file.end();
}
