import { ATTACHED, CHUNK_ROWS } from './import-context.ts';
import { OTHER_INSTANTS } from './instant-sql.ts';
import type { ColumnRule, Finding, TableRule } from './table-rule.ts';

/**
 * The rows of a chunk that there is something to say about: a reason to set them aside, an outcome other than being
 * imported, an adjustment. All the others are imported as they are, and cost no row here.
 */
export const VERDICTS = 'temp.dork_legacy_verdicts';

/**
 * Rows that a dry run would have written, as far as later rows of the import depend on them: schedules, and in a home
 * with a hybrid file all that the copies in it may repeat.
 */
export const WOULD_BE = 'temp.dork_legacy_would_be';

/** The tables in memory that an import works with; they end with it. */
export const CREATE_WORK_TABLES = `
  CREATE TABLE ${VERDICTS} (row INTEGER PRIMARY KEY, reason TEXT, outcome TEXT NOT NULL, adjusted INTEGER NOT NULL);
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

/** The statements that import a table, chunk by chunk. */
export interface TableSql {
  readonly judge: string;
  readonly insert: (ids: UlidRange) => string;
  /** How many numbers `insert` takes for ULIDs. */
  readonly numbers: number;
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

/** Rowids of a chunk that are farther apart would use the numbers of ULIDs up. */
const DENSE_ROWIDS = 100n * BigInt(CHUNK_ROWS);

/** Rowids of a chunk, both inclusive, as text: JavaScript's numbers end at 2^53. */
export interface Chunk {
  readonly first: string;
  readonly last: string;
  /** How many rows it has. */
  readonly rows: number;
}

/** The rows of a chunk that are imported, in the order of the older table: `s`, with what is said about them, `v`. */
export function importedRows(rule: TableRule, chunk: Chunk): string {
  return `${ATTACHED}."${rule.from}" AS s NOT INDEXED LEFT JOIN ${VERDICTS} AS v ON v.row = s.rowid
      WHERE ${isIn(chunk)} AND coalesce(v.outcome, 'imported') = 'imported'`;
}

/** A number for each row of a chunk (SQL) that rises with it. Counting the rows costs as much as two indexes. */
function numberOf({ first, last, rows }: Chunk): { sql: string; count: number } {
  const span = BigInt(last) - BigInt(first) + 1n;
  return span <= DENSE_ROWIDS
    ? { sql: `(s.rowid - ${first})`, count: Number(span) }
    : { sql: 'row_number() OVER ()', count: rows + 1 };
}

function isIn({ first, last }: Chunk): string {
  return `s.rowid BETWEEN CAST('${first}' AS INTEGER) AND CAST('${last}' AS INTEGER)`;
}

/** Every adjustment of a table's columns, in the order of the bits of a verdict. */
export function adjustmentsOf(rule: TableRule): readonly (readonly [condition: string, name: string])[] {
  return rule.columns.flatMap(({ adjustments }) => adjustments);
}

/**
 * @param isFirst True where neither the new table nor an earlier import has any row: none needs be looked for then, which
 * costs a row as much as three columns.
 */
export function tableSql(rule: TableRule, chunk: Chunk, isFirst: boolean): TableSql {
  const [olderKey, newerKey] = rule.key;
  const older = `${ATTACHED}."${rule.from}" AS s`;
  const imported = importedRows(rule, chunk);
  const told = `${VERDICTS} AS v CROSS JOIN ${older} ON s.rowid = v.row`;
  const names = rule.columns.map(({ column }) => `"${column}"`);
  const values = rule.columns.map(({ value }) => value);
  const state = rule.isCopy ? `'${COPY}'` : sqlOf(rule, 'status');
  const rest = rule.columns.filter(({ column }) => column !== newerKey);
  return {
    judge: `
      INSERT INTO ${VERDICTS} (row, reason, outcome, adjusted)
      ${isFirst ? verdictsOfNew(rule, chunk) : verdicts(rule, chunk)}`,
    insert: ({ start, number }) => `
      INSERT INTO main."${rule.to}" (${[...(rule.needsId ? ['id'] : []), ...names].join(', ')})
      SELECT ${[...(rule.needsId ? [`'${start}' || substr(${10 ** 10 + number} + ${numberOf(chunk).sql}, 2)`] : []), ...values].join(', ')}
      FROM ${imported} ORDER BY s.rowid`,
    numbers: numberOf(chunk).count,
    // In the order of the ids, so that the tree is filled page by page.
    rememberInserted: `
      INSERT INTO main.legacy_rows (kind, id, state)
      SELECT '${rule.kind}', s."${olderKey}", ${state} FROM ${imported} ORDER BY s."${olderKey}"`,
    update: `
      UPDATE main."${rule.to}" AS d SET ${rest.map((_, i) => `"${rest[i]?.column}" = m.c${i}`).join(', ')}
      FROM (SELECT s."${olderKey}" AS key, ${rest.map(({ value }, i) => `${value} AS c${i}`).join(', ')}
        FROM ${told} WHERE v.outcome = 'updated') AS m
      WHERE d."${newerKey}" = m.key`,
    rememberUpdated: `
      UPDATE main.legacy_rows AS b SET state = m.state
      FROM (SELECT s."${olderKey}" AS key, ${state} AS state FROM ${told} WHERE v.outcome = 'updated') AS m
      WHERE b.kind = '${rule.kind}' AND b.id = m.key`,
    wouldBe: `
      INSERT OR IGNORE INTO ${WOULD_BE} (kind, id) SELECT '${rule.kind}', s."${olderKey}" FROM ${imported}`,
    adjusted: `
      SELECT adjusted, count(*) AS rows FROM ${VERDICTS}
      WHERE adjusted <> 0 AND outcome IN ('imported', 'updated') GROUP BY adjusted`,
    listSetAside: `
      SELECT CAST(v.row AS TEXT) AS row, CAST(substr(s."${olderKey}", 1, 200) AS TEXT) AS id, v.reason
      FROM ${told} WHERE v.outcome = 'setAside' ORDER BY v.row LIMIT ?`,
  };
}

/** What is to be told of rows that dork.db may have. */
function verdicts(rule: TableRule, chunk: Chunk): string {
  const [olderKey, newerKey] = rule.key;
  // LIMIT keeps SQLite from computing the columns of the inner query once for each place that names them.
  return `SELECT row, reason, outcome, adjusted FROM (
        SELECT s.rowid AS row, ${reasonOf(rule)} AS reason, ${outcomeOf(rule)} AS outcome, ${adjustedOf(rule)} AS adjusted
        FROM ${ATTACHED}."${rule.from}" AS s NOT INDEXED
        LEFT JOIN main."${rule.to}" AS d ON d."${newerKey}" = s."${olderKey}"
        LEFT JOIN main.legacy_rows AS b ON b.kind = '${rule.kind}' AND b.id = s."${olderKey}"
        WHERE ${isIn(chunk)} LIMIT -1)
      WHERE reason IS NOT NULL OR outcome <> 'imported' OR adjusted <> 0`;
}

/** The same where dork.db has none: few rows have something to be told, so computing it again for those costs least. */
function verdictsOfNew(rule: TableRule, chunk: Chunk): string {
  const orphan = rule.schedule ? isOrphan(rule.schedule) : 'FALSE';
  return `SELECT s.rowid, ${reasonOf(rule)}, iif(${orphan}, 'orphan', 'imported'), ${adjustedOf(rule)}
      FROM ${ATTACHED}."${rule.from}" AS s NOT INDEXED
      WHERE ${isIn(chunk)} AND ((${hasFault(rule)}) OR (${orphan}) OR ${adjustedOf(rule)} <> 0)`;
}

function sqlOf(rule: TableRule, column: string): string {
  return (rule.columns.find((each) => each.column === column) as ColumnRule).value;
}

function faultsOf(rule: TableRule): readonly Finding[] {
  return [...rule.columns.flatMap((column) => column.faults), ...(rule.faults ?? [])];
}

function hasFault(rule: TableRule): string {
  return faultsOf(rule)
    .map(([condition]) => `(${condition})`)
    .join(' OR ');
}

/** The first fault of a row, or NULL. */
function reasonOf(rule: TableRule): string {
  const cases = faultsOf(rule).map(([condition, reason]) => `WHEN ${condition} THEN '${reason}'`);
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
  const status = sqlOf(rule, 'status');
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
