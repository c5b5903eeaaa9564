import type { Connection } from '../../engine/connection/connection.ts';
import { newId } from '../../stores/ids.ts';
import { ATTACHED, CHUNK_ROWS, type ImportContext } from './import-context.ts';
import { instantOfText, isStoredInstant, LONGEST_INSTANT, OTHER_INSTANTS } from './instant-sql.ts';
import { adoptOrphans } from './orphans.ts';
import type { Outcome } from './receipt.ts';
import type { TableRule } from './table-rule.ts';
import { adjustmentsOf, type Chunk, importedRows, type TableSql, tableSql, VERDICTS } from './table-sql.ts';

/**
 * Imports a table in the engine: each chunk is looked at with one statement, which says what becomes of its rows, and
 * written with another. A dry run does the first only, so that both tell the same.
 */
export function importTable(context: ImportContext, rule: TableRule): void {
  const { connection, tally, progress } = context;
  const count = connection.prepare<{ n: number }>(`SELECT count(*) AS n FROM ${ATTACHED}."${rule.from}" NOT INDEXED`);
  const totalRows = count.get()?.n ?? 0;
  const isFirst = !rule.isCopy && hasNone(connection, rule);
  const write = context.isDryRun ? dryWriter(context, rule) : writer(connection);
  let rows = 0;
  tally.begin(rule.from);
  progress(rule.from, 0, totalRows);
  for (const chunk of chunksOf(connection, rule.from)) {
    const sql = tableSql(rule, chunk, isFirst);
    judge(connection, sql);
    if (readOtherInstants(connection, rule)) judge(connection, sql);
    connection.exec(`UPDATE ${VERDICTS} SET outcome = 'setAside' WHERE reason IS NOT NULL`);
    if (rule.schedule) adoptOrphans(context, rule);
    write(sql, tell(context, rule, chunk, sql));
    rows += chunk.rows;
    progress(rule.from, rows, totalRows);
    connection.exec(`DELETE FROM ${OTHER_INSTANTS}`);
  }
}

/** True where dork.db has no row of the table, and no earlier import brought any. */
function hasNone(connection: Connection, { to, kind }: TableRule): boolean {
  const found = connection.prepare(
    `SELECT 1 FROM main."${to}" UNION ALL SELECT 1 FROM main.legacy_rows WHERE kind = ? LIMIT 1`,
  );
  return found.get(kind) === undefined;
}

function judge(connection: Connection, sql: TableSql): void {
  connection.exec(`DELETE FROM ${VERDICTS}`);
  connection.exec(sql.judge);
}

function* chunksOf(connection: Connection, table: string): Generator<Chunk> {
  const next = connection.prepare<{ first: string | null; last: string; rows: number }>(
    `SELECT CAST(min(rowid) AS TEXT) AS first, CAST(max(rowid) AS TEXT) AS last, count(*) AS rows FROM
      (SELECT rowid FROM ${ATTACHED}."${table}" NOT INDEXED WHERE rowid >= CAST(? AS INTEGER) ORDER BY rowid LIMIT ${CHUNK_ROWS})`,
  );
  for (let from = -(2n ** 63n); from < 2n ** 63n; ) {
    const { first = null, last = '', rows = 0 } = next.get(String(from)) ?? {};
    if (first === null) return;
    yield { first, last, rows };
    from = BigInt(last) + 1n;
  }
}

/**
 * Reads the instants of the chunk that are texts in another form. They are rare, so that rows are looked at again only
 * where there are some.
 *
 * @returns True where one could be read.
 */
function readOtherInstants(connection: Connection, rule: TableRule): boolean {
  let hasRead = false;
  if (!connection.prepare(`SELECT 1 FROM ${VERDICTS} WHERE reason LIKE '% is not an instant %' LIMIT 1`).get())
    return false;
  const put = connection.prepare(`INSERT OR IGNORE INTO ${OTHER_INSTANTS} (text, iso, rule) VALUES (?, ?, ?)`);
  for (const { instant } of rule.columns) {
    if (!instant) continue;
    const texts = connection.prepare<{ text: string }>(
      `SELECT DISTINCT ${instant} AS text FROM ${VERDICTS} AS v CROSS JOIN ${ATTACHED}."${rule.from}" AS s ON s.rowid = v.row
       WHERE v.reason IS NOT NULL AND typeof(${instant}) = 'text' AND octet_length(${instant}) <= ${LONGEST_INSTANT}
         AND NOT ${isStoredInstant(instant)}`,
    );
    for (const { text } of texts.all()) {
      const read = instantOfText(text);
      if (read) hasRead = put.run(text, read.iso, read.rule).changes > 0 || hasRead;
    }
  }
  return hasRead;
}

/** Tells the receipt what becomes of the rows of a chunk. */
function tell({ connection, tally }: ImportContext, rule: TableRule, chunk: Chunk, sql: TableSql): ChunkCounts {
  const outcomes = connection.prepare<{ outcome: Outcome; reason: string | null; rows: number }>(
    `SELECT outcome, reason, count(*) AS rows FROM ${VERDICTS} GROUP BY outcome, reason ORDER BY min(row)`,
  );
  const counts = { imported: chunk.rows, updated: 0 };
  for (const { outcome, reason, rows } of outcomes.all()) {
    if (outcome === 'imported') continue;
    counts.imported -= rows;
    if (outcome === 'updated') counts.updated += rows;
    if (reason === null) tally.add(rule.from, outcome, rows);
    else tally.setAside(rule.from, reason, rows);
  }
  tally.add(rule.from, 'imported', counts.imported);
  const names = adjustmentsOf(rule).map(([, name]) => name);
  for (const { adjusted, rows } of connection.prepare<{ adjusted: number; rows: number }>(sql.adjusted).all()) {
    for (const [i, name] of names.entries()) if (adjusted & (1 << i)) tally.adjust(rule.from, name, rows);
  }
  for (const { name, rows } of otherInstants(connection, rule, chunk)) tally.adjust(rule.from, name, rows);
  if (tally.room <= 0) return counts;
  const list = connection.prepare<{ row: string; id: string | null; reason: string }>(sql.listSetAside);
  for (const row of list.all(tally.room)) tally.list({ table: rule.from, ...row });
  return counts;
}

/** How many imported rows have an instant in another form, by the rule that reads it. */
function* otherInstants(
  connection: Connection,
  rule: TableRule,
  chunk: Chunk,
): Generator<{ name: string; rows: number }> {
  if (!connection.prepare(`SELECT 1 FROM ${OTHER_INSTANTS} LIMIT 1`).get()) return;
  for (const { column, instant } of rule.columns) {
    if (!instant) continue;
    const counts = connection.prepare<{ rule: string; rows: number }>(
      `SELECT i.rule, count(*) AS rows FROM (SELECT ${instant} AS text FROM ${importedRows(rule, chunk)}) AS r
       JOIN ${OTHER_INSTANTS} AS i ON i.text = r.text GROUP BY i.rule`,
    );
    for (const { rule: name, rows } of counts.all()) yield { name: `${column}_${name}`, rows };
  }
}

interface ChunkCounts {
  readonly imported: number;
  readonly updated: number;
}

type WriteChunk = (sql: TableSql, counts: ChunkCounts) => void;

/** Keeps in mind what a dry run would have written, where something depends on it. */
function dryWriter({ connection, isHybrid }: ImportContext, rule: TableRule): WriteChunk {
  return isHybrid || rule.kind === 'schedule' ? (sql) => connection.exec(sql.wouldBe) : () => {};
}

function writer(connection: Connection): WriteChunk {
  const start = newId().slice(0, 16);
  let number = 0;
  return (sql, { imported, updated }) => {
    if (imported > 0) {
      connection.exec(sql.insert({ start, number }));
      connection.exec(sql.rememberInserted);
      number += sql.numbers;
    }
    if (updated === 0) return;
    connection.exec(sql.update);
    connection.exec(sql.rememberUpdated);
  };
}
