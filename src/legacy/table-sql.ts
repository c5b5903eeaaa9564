import { ATTACHED } from './import-context.ts';
import { OTHER_INSTANTS } from './instant-sql.ts';
import type { ColumnRule, TableRule } from './table-rule.ts';

/** What was found about each row of a chunk, in the order of the older table. */
export const VERDICTS = 'temp.dork_legacy_verdicts';

/**
 * Rows that a dry run would have written, as far as later rows of the import depend on them: schedules, and in a home
 * with a hybrid file all that the copies in it may repeat.
 */
export const WOULD_BE = 'temp.dork_legacy_would_be';

/** The tables in memory that an import works with; they end with it. */
export const CREATE_WORK_TABLES = `
  CREATE TABLE ${VERDICTS} (n INTEGER PRIMARY KEY, row INTEGER NOT NULL, reason TEXT, outcome TEXT, adjusted INTEGER);
  CREATE TABLE ${OTHER_INSTANTS} (text TEXT PRIMARY KEY, iso TEXT NOT NULL, rule TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE ${WOULD_BE} (kind TEXT, id TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID;`;

export const DROP_WORK_TABLES = `
  DROP TABLE IF EXISTS ${VERDICTS};
  DROP TABLE IF EXISTS ${OTHER_INSTANTS};
  DROP TABLE IF EXISTS ${WOULD_BE};`;

/** The state of rows that came from a copy: they never move on. */
export const COPY = 'copy';

/** True in SQL for a row that a dry run would have written. */
export function wouldBe(kind: string, id: string): string {
  return `EXISTS (SELECT 1 FROM ${WOULD_BE} AS w WHERE w.kind = '${kind}' AND w.id = ${id})`;
}

/** ULIDs that rise with the rows of a chunk. */
export interface UlidRange {
  /** The first 16 characters: the time, and 30 of the 80 random bits. */
  readonly start: string;
  /** Where the others begin to count. They do it in digits, which are characters of a ULID as well. */
  readonly number: number;
}

/** The statements that import a table, chunk by chunk. Rowids travel as text: JavaScript's numbers end at 2^53. */
export interface TableSql {
  /** Parameters: first and last rowid of the chunk. */
  readonly judge: string;
  readonly insert: (ids: UlidRange) => string;
  readonly rememberInserted: string;
  readonly update: string;
  readonly rememberUpdated: string;
  /** For a dry run. */
  readonly wouldBe: string;
  /** Rules that were applied to the rows that are taken, by their position in {@link adjustmentsOf}. */
  readonly adjusted: string;
  /** Parameter: how many. */
  readonly listSetAside: string;
}

/** Every adjustment of a table's columns, in the order of the bits of a verdict. */
export function adjustmentsOf(rule: TableRule): readonly (readonly [condition: string, name: string])[] {
  return rule.columns.flatMap(({ adjustments }) => adjustments);
}

/** SQL for a table that is not empty in dork.db, or that an earlier import filled. */
export function tableSql(rule: TableRule): TableSql {
  const [olderKey, newerKey] = rule.key;
  const older = `${ATTACHED}."${rule.from}" AS s`;
  const taken = `${VERDICTS} AS v CROSS JOIN ${older} ON s.rowid = v.row`;
  const names = rule.columns.map(({ column }) => `"${column}"`);
  const values = rule.columns.map(({ value }) => value);
  const state = rule.isCopy ? `'${COPY}'` : valueOf(rule, 'status');
  const rest = rule.columns.filter(({ column }) => column !== newerKey);
  return {
    judge: `
      INSERT INTO ${VERDICTS} (row, reason, outcome, adjusted)
      SELECT s.rowid, ${reasonOf(rule)}, ${outcomeOf(rule)}, ${adjustedOf(rule)}
      FROM ${older} NOT INDEXED
      LEFT JOIN main."${rule.to}" AS d ON d."${newerKey}" = s."${olderKey}"
      LEFT JOIN main.legacy_rows AS b ON b.kind = '${rule.kind}' AND b.id = s."${olderKey}"
      WHERE s.rowid BETWEEN CAST(? AS INTEGER) AND CAST(? AS INTEGER)
      ORDER BY s.rowid`,
    insert: ({ start, number }) => `
      INSERT INTO main."${rule.to}" (${[...(rule.needsId ? ['id'] : []), ...names].join(', ')})
      SELECT ${[...(rule.needsId ? [`'${start}' || substr(v.n + ${10 ** 10 + number}, 2)`] : []), ...values].join(', ')}
      FROM ${taken} WHERE v.outcome = 'imported' ORDER BY v.n`,
    // In the order of the ids, so that the tree is filled page by page.
    rememberInserted: `
      INSERT INTO main.legacy_rows (kind, id, state)
      SELECT '${rule.kind}', s."${olderKey}", ${state}
      FROM ${taken} WHERE v.outcome = 'imported' ORDER BY s."${olderKey}"`,
    update: `
      UPDATE main."${rule.to}" AS d SET ${rest.map((_, i) => `"${rest[i]?.column}" = m.c${i}`).join(', ')}
      FROM (SELECT s."${olderKey}" AS key, ${rest.map(({ value }, i) => `${value} AS c${i}`).join(', ')}
        FROM ${taken} WHERE v.outcome = 'updated') AS m
      WHERE d."${newerKey}" = m.key`,
    rememberUpdated: `
      UPDATE main.legacy_rows AS b SET state = m.state
      FROM (SELECT s."${olderKey}" AS key, ${state} AS state FROM ${taken} WHERE v.outcome = 'updated') AS m
      WHERE b.kind = '${rule.kind}' AND b.id = m.key`,
    wouldBe: `
      INSERT OR IGNORE INTO ${WOULD_BE} (kind, id)
      SELECT '${rule.kind}', s."${olderKey}" FROM ${taken} WHERE v.outcome = 'imported'`,
    adjusted: `
      SELECT adjusted, count(*) AS rows FROM ${VERDICTS}
      WHERE adjusted <> 0 AND outcome IN ('imported', 'updated') GROUP BY adjusted`,
    listSetAside: `
      SELECT CAST(v.row AS TEXT) AS row, CAST(substr(s."${olderKey}", 1, 200) AS TEXT) AS id, v.reason
      FROM ${taken} WHERE v.outcome = 'setAside' ORDER BY v.n LIMIT ?`,
  };
}

function valueOf(rule: TableRule, column: string): string {
  return (rule.columns.find((each) => each.column === column) as ColumnRule).value;
}

/** The first fault of a row, or NULL. */
function reasonOf(rule: TableRule): string {
  const faults = [...rule.columns.flatMap((column) => column.faults), ...(rule.faults ?? [])];
  const cases = faults.map(([condition, reason]) => `WHEN ${condition} THEN '${reason}'`);
  return `CASE ${cases.join('\n        ')} END`;
}

/** A bit for each adjustment. */
function adjustedOf(rule: TableRule): string {
  const bits = adjustmentsOf(rule).map(([condition], i) => `((${condition}) IS 1) * ${2 ** i}`);
  return bits.length > 0 ? bits.join(' + ') : '0';
}

/** What becomes of a row that has no fault. */
function outcomeOf(rule: TableRule): string {
  const [olderKey, newerKey] = rule.key;
  const isThere = `d."${newerKey}" IS NOT NULL`;
  const cases = [
    ...(rule.isCopy
      ? [`WHEN ${wouldBe(rule.kind, `s."${olderKey}"`)} THEN 'alreadyThere'`]
      : [`WHEN ${isThere} AND ${hasMovedOn(rule)} THEN 'updated'`]),
    `WHEN ${isThere} THEN 'alreadyThere'`,
    `WHEN b.id IS NOT NULL THEN 'deletedSince'`,
  ];
  if (rule.schedule) cases.push(`WHEN ${isOrphan(rule.schedule)} THEN 'orphan'`);
  return `CASE ${cases.join('\n        ')} ELSE 'imported' END`;
}

/**
 * True where an earlier import took the row, the older file has changed it since, and dork.db has not: there it still
 * has the status it came with, and nothing that the older file does not say.
 */
function hasMovedOn(rule: TableRule): string {
  const [, newerKey] = rule.key;
  const status = valueOf(rule, 'status');
  const open = rule.openStatuses.map((each) => `'${each}'`).join(', ');
  const rest = rule.columns.filter(({ column }) => column !== newerKey && column !== 'status');
  const isKept = rest.map(({ column, value }) => `(d."${column}" IS NULL OR d."${column}" IS ${value})`);
  const isNew = (rule.newColumns ?? []).map((column) => `d."${column}" IS NULL`);
  const isSame = [`d.status IS ${status}`, ...rest.map(({ column, value }) => `d."${column}" IS ${value}`)];
  return `(b.state IS d.status AND (b.state IS NOT ${status} OR b.state IN (${open})) AND ${[...isKept, ...isNew].join(' AND ')} AND NOT (${isSame.join(' AND ')}))`;
}

function isOrphan(schedule: string): string {
  const isThere = `EXISTS (SELECT 1 FROM main.pulse_schedules AS p WHERE p.id = ${schedule})`;
  return `NOT ${isThere} AND NOT ${wouldBe('schedule', schedule)}`;
}
