import { DorkDbError } from '../errors.ts';
import { IS_OF_SCHEMA } from '../migrations/names.ts';
import { quoted } from '../migrations/rows.ts';
import type { Thread, ThreadConnection } from '../worker/thread.ts';
import { CAREFUL, isReadonly, mustStayReadonly, openThere } from './look.ts';

/** A table of a restored file. */
export interface RestoredTable {
  /** Number of restored rows. */
  readonly rows: number;
  /** The newest creation time of a row; absent for an empty table. */
  readonly newest?: string;
  /** This table in the replaced file; absent if it did not exist or was unreadable. */
  readonly replaced?: ReplacedTable;
}

/** A table of a file that was replaced by a restore. */
export interface ReplacedTable {
  readonly rows: number;
  readonly newest?: string;
  /** Number of rows that were not restored, compared by primary key. */
  readonly lost: number;
  /** Number of rows that were restored with other values. */
  readonly changed: number;
}

/** Columns with the creation time of a row. The first one that a table has is used. */
const MADE_AT = ['created_at', 'sent_at', 'registered_at', 'started_at'];

/** Returns the content of a file by table, and its differences to the file that it replaces. */
async function compareFiles(
  thread: Thread,
  restored: string,
  replaced: string | undefined,
): Promise<Record<string, RestoredTable>> {
  // An attached file is opened in the same mode as the main one.
  const readonly = replaced
    ? [restored, replaced].some(mustStayReadonly) || [restored, replaced].every(isReadonly)
    : isReadonly(restored);
  const connection = await openThere(thread, restored, CAREFUL, readonly);
  try {
    if (replaced) await connection.all('ATTACH ? AS replaced', replaced);
    const there = replaced ? await tablesOf(connection, 'replaced') : new Map<string, Table>();
    const tables: Record<string, RestoredTable> = {};
    const here = await tablesOf(connection, 'main');
    for (const [name, table] of here) {
      const before = there.get(name);
      const summary = await summaryOf(connection, 'main', table);
      tables[name] = before
        ? {
            ...summary,
            replaced: {
              ...(await summaryOf(connection, 'replaced', before)),
              ...(await losses(connection, table, before)),
            },
          }
        : summary;
    }
    for (const [name, table] of there) {
      if (here.has(name)) continue;
      const summary = await summaryOf(connection, 'replaced', table);
      tables[name] = { rows: 0, replaced: { ...summary, lost: summary.rows, changed: 0 } };
    }
    return tables;
  } finally {
    await connection.close();
  }
}

/** Like `compareFiles()`, but without the replaced file if it is unreadable. */
export async function compareAsFarAsReadable(
  thread: Thread,
  restored: string,
  replaced: string | undefined,
): Promise<Record<string, RestoredTable>> {
  try {
    return await compareFiles(thread, restored, replaced);
  } catch (error) {
    if (!(error instanceof DorkDbError) || !replaced) throw error;
    return await compareFiles(thread, restored, undefined);
  }
}

interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  readonly key: readonly string[];
}

async function tablesOf(connection: ThreadConnection, schema: 'main' | 'replaced'): Promise<Map<string, Table>> {
  const rows = await connection.all<{ name: string; columnName: string; pk: number }>(
    `SELECT t.name AS name, c.name AS columnName, c.pk AS pk
     FROM (SELECT name, schema FROM pragma_table_list WHERE schema = ? AND type IN ('table', 'virtual') AND ${IS_OF_SCHEMA}) t,
       pragma_table_info(t.name, t.schema) c
     ORDER BY t.name, c.cid`,
    schema,
  );
  return new Map(
    [...Map.groupBy(rows, ({ name }) => name)].map(([name, columns]) => [
      name,
      {
        name,
        columns: columns.map(({ columnName }) => columnName),
        key: columns.filter(({ pk }) => pk > 0).map(({ columnName }) => columnName),
      },
    ]),
  );
}

async function summaryOf(
  connection: ThreadConnection,
  schema: 'main' | 'replaced',
  { name, columns }: Table,
): Promise<{ rows: number; newest?: string }> {
  const from = `${schema}.${quoted(name)}`;
  const [count] = await connection.all<{ n: number }>(`SELECT count(*) AS n FROM ${from}`);
  const column = MADE_AT.find((candidate) => columns.includes(candidate));
  const [newest] = column
    ? await connection.all<{ at: string | null }>(`SELECT max(${quoted(column)}) AS at FROM ${from}`)
    : [];
  return { rows: count?.n ?? 0, ...(newest?.at && { newest: newest.at }) };
}

async function losses(
  connection: ThreadConnection,
  here: Table,
  there: Table,
): Promise<{ lost: number; changed: number }> {
  const name = quoted(here.name);
  const key = there.key.length > 0 && there.key.join() === here.key.join() ? there.key : ['rowid'];
  const isSame = key.map((column) => `here.${quoted(column)} = there.${quoted(column)}`).join(' AND ');
  const [lost] = await connection.all<{ n: number }>(
    `SELECT count(*) AS n FROM replaced.${name} there WHERE NOT EXISTS (SELECT 1 FROM main.${name} here WHERE ${isSame})`,
  );
  const values = there.columns.filter((column) => here.columns.includes(column) && !key.includes(column)).map(quoted);
  if (values.length === 0) return { lost: lost?.n ?? 0, changed: 0 };
  const [changed] = await connection.all<{ n: number }>(
    `SELECT count(*) AS n FROM replaced.${name} there JOIN main.${name} here ON ${isSame}
     WHERE ${values.map((column) => `here.${column} IS NOT there.${column}`).join(' OR ')}`,
  );
  return { lost: lost?.n ?? 0, changed: changed?.n ?? 0 };
}
