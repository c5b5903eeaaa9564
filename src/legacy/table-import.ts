import type { Connection } from '../core/connection.ts';
import { newId } from '../core/ids.ts';
import { ATTACHED, CHUNK_ROWS, type ImportContext } from './import-context.ts';
import { instantOfText, isStoredInstant, LONGEST_INSTANT, OTHER_INSTANTS } from './instant-sql.ts';
import { adoptOrphans } from './orphans.ts';
import type { Outcome } from './receipt.ts';
import type { TableRule } from './table-rule.ts';
import { adjustmentsOf, tableSql, VERDICTS } from './table-sql.ts';

/** Rowids of a chunk, both inclusive, as text. */
interface Chunk {
  readonly first: string;
  readonly last: string;
}

/**
 * Imports a table in the engine: each chunk is looked at with one statement, which says what becomes of every row, and
 * written with another. A dry run does the first only, so that both tell the same.
 */
export function importTable(context: ImportContext, rule: TableRule): void {
  const { connection, tally } = context;
  const sql = tableSql(rule);
  const judge = connection.prepare(sql.judge);
  const write = context.isDryRun ? dryWriter(context, rule) : writer(connection, rule);
  const total = connection.prepare<{ n: number }>(`SELECT count(*) AS n FROM ${ATTACHED}."${rule.from}" NOT INDEXED`);
  const totalRows = total.get()?.n ?? 0;
  let rows = 0;
  tally.begin(rule.from);
  context.progress(rule.from, 0, totalRows);
  for (const chunk of chunksOf(connection, rule.from)) {
    connection.exec(`DELETE FROM ${VERDICTS}; DELETE FROM ${OTHER_INSTANTS}`);
    let found = judge.run(chunk.first, chunk.last).changes;
    if (readOtherInstants(connection, rule)) {
      connection.exec(`DELETE FROM ${VERDICTS}`);
      found = judge.run(chunk.first, chunk.last).changes;
    }
    connection.exec(`UPDATE ${VERDICTS} SET outcome = 'setAside' WHERE reason IS NOT NULL`);
    if (rule.schedule) adoptOrphans(context, rule);
    count(context, rule);
    write();
    rows += found;
    context.progress(rule.from, rows, totalRows);
  }
}

function* chunksOf(connection: Connection, table: string): Generator<Chunk> {
  const end = connection.prepare<{ last: string | null }>(
    `SELECT CAST(max(rowid) AS TEXT) AS last FROM
      (SELECT rowid FROM ${ATTACHED}."${table}" NOT INDEXED WHERE rowid >= CAST(? AS INTEGER) ORDER BY rowid LIMIT ${CHUNK_ROWS})`,
  );
  let first = -(2n ** 63n);
  for (;;) {
    const last = end.get(String(first))?.last;
    if (last === undefined || last === null) return;
    yield { first: String(first), last };
    first = BigInt(last) + 1n;
    if (first === 2n ** 63n) return;
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

function count({ connection, tally }: ImportContext, rule: TableRule): void {
  const outcomes = connection.prepare<{ outcome: Outcome; reason: string | null; rows: number }>(
    `SELECT outcome, reason, count(*) AS rows FROM ${VERDICTS} GROUP BY outcome, reason ORDER BY min(n)`,
  );
  let areSetAside = false;
  for (const { outcome, reason, rows } of outcomes.all()) {
    if (reason === null) tally.add(rule.from, outcome, rows);
    else tally.setAside(rule.from, reason, rows);
    areSetAside ||= reason !== null;
  }
  const sql = tableSql(rule);
  const names = adjustmentsOf(rule).map(([, name]) => name);
  for (const { adjusted, rows } of connection.prepare<{ adjusted: number; rows: number }>(sql.adjusted).all()) {
    for (const [i, name] of names.entries()) if (adjusted & (1 << i)) tally.adjust(rule.from, name, rows);
  }
  countOtherInstants(connection, rule, (name, rows) => tally.adjust(rule.from, name, rows));
  if (!areSetAside || tally.room <= 0) return;
  const list = connection.prepare<{ row: string; id: string | null; reason: string }>(sql.listSetAside);
  for (const row of list.all(tally.room)) tally.list({ table: rule.from, ...row });
}

function countOtherInstants(
  connection: Connection,
  rule: TableRule,
  adjust: (name: string, rows: number) => void,
): void {
  if (!connection.prepare(`SELECT 1 FROM ${OTHER_INSTANTS} LIMIT 1`).get()) return;
  for (const { column, instant } of rule.columns) {
    if (!instant) continue;
    const counts = connection.prepare<{ rule: string; rows: number }>(
      `SELECT i.rule, count(*) AS rows FROM ${VERDICTS} AS v CROSS JOIN ${ATTACHED}."${rule.from}" AS s ON s.rowid = v.row
       JOIN ${OTHER_INSTANTS} AS i ON i.text = ${instant}
       WHERE v.outcome IN ('imported', 'updated') GROUP BY i.rule`,
    );
    for (const { rule: name, rows } of counts.all()) adjust(`${column}_${name}`, rows);
  }
}

/** Keeps in mind what a dry run would have written, where something depends on it. */
function dryWriter({ connection, isHybrid }: ImportContext, rule: TableRule): () => void {
  if (!isHybrid) return () => {};
  const wouldBe = connection.prepare(tableSql(rule).wouldBe);
  return () => void wouldBe.run();
}

/** Writes the rows of a chunk. */
function writer(connection: Connection, rule: TableRule): () => void {
  const sql = tableSql(rule);
  const has = connection.prepare<{ rows: number }>(`SELECT count(*) AS rows FROM ${VERDICTS} WHERE outcome = ?`);
  const start = newId().slice(0, 16);
  let number = 0;
  return () => {
    const inserted = has.get('imported')?.rows ?? 0;
    if (inserted > 0) {
      connection.prepare(sql.insert({ start, number })).run();
      connection.prepare(sql.rememberInserted).run();
      number += CHUNK_ROWS;
    }
    if (!has.get('updated')?.rows) return;
    connection.prepare(sql.update).run();
    connection.prepare(sql.rememberUpdated).run();
  };
}
