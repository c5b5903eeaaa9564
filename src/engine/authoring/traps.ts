import type { Connection } from '../connection/connection.ts';
import type { AllowLoss, History, Migration } from '../migrations/history.ts';
import { Lineage } from '../migrations/lineage.ts';
import { REBUILT } from '../migrations/progress.ts';
import { dataTables } from '../migrations/rows.ts';
import { allowedLosses, type MigrationStep, stepsOf } from '../migrations/steps.ts';
import { lostFeatures, tableFeatures } from '../migrations/table-features.ts';
import { hintOfRename } from '../migrations/work.ts';
import { actionOf, withoutComments } from '../sql/sql-text.ts';
import type { Problem } from './problem.ts';

/**
 * Runs a history on an empty database and finds mistakes that drizzle-kit generates without a warning, and statements
 * that fail or lose something only on a file with data.
 *
 * @param since The index of the first migration that is checked. Earlier ones are only run.
 */
export function trapsOf(empty: Connection, history: History, since = 0): Problem[] {
  // Like in the runner: off, and in a transaction, so that the pragmas of a migration cannot turn them on.
  empty.exec('PRAGMA foreign_keys = OFF; BEGIN');
  const problems: Problem[] = [];
  for (const [place, migration] of history.migrations.entries()) {
    try {
      for (const problem of trapsOfOne(empty, migration, history.allowLoss)) if (place >= since) problems.push(problem);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      problems.push({
        message: `${migration.tag} fails on an empty database (${empty.driver}). ${message}`,
        hint:
          hintOfRename(error) ??
          'Correct its SQL: new files are created by running the whole history, on every driver.',
      });
      // Later migrations would fail for the same reason.
      break;
    }
  }
  return problems;
}

/** A generator, so that problems found before a failing statement are reported too. */
function* trapsOfOne(
  connection: Connection,
  migration: Migration,
  allowLoss: AllowLoss | undefined,
): Generator<Problem> {
  const { tag, droppedIndexes = [] } = migration;
  const steps = stepsOf(migration);
  if (steps.length === 0) yield { message: `${tag} has no statement.`, hint: 'Write its SQL, or delete it.' };
  const tables = new Set(dataTables(connection));
  const features = tableFeatures(connection);
  const lineage = new Lineage(connection);
  yield* problemsOfRebuild(tag, steps);
  for (const step of steps) {
    yield* problemsOfStep(tag, step, connection);
    lineage.watch(step.sql, () => connection.prepare(step.sql).all());
  }
  const allowed = allowedLosses(migration, allowLoss);
  const left = new Set(dataTables(connection).map((name) => name.toLowerCase()));
  const loses = (table: string, how: string) => ({
    message: `${tag} ${how} ${table} and does not declare it: the runner refuses it on a file with rows.`,
    hint: `Declare it in its SQL with the comment -- allow-loss: ${table}`,
  });
  for (const table of tables) {
    const successor = lineage.successorOf(table);
    const isThere = successor !== undefined && left.has(successor.toLowerCase());
    if (!isThere && !allowed.has(table.toLowerCase())) yield loses(table, 'drops');
  }
  for (const table of deletedFrom(steps)) if (!allowed.has(table.toLowerCase())) yield loses(table, 'deletes from');
  for (const { table, feature, name } of lostFeatures(features, tableFeatures(connection), lineage.rebuilt())) {
    if (allowed.has(name.toLowerCase())) continue;
    yield {
      message: `${tag} rebuilds ${table}, and the new table lacks ${feature}.`,
      hint: `Add it to its CREATE TABLE; if the loss is intended, add the comment -- allow-loss: ${name}`,
    };
  }
  for (const { type, name, table } of lineage.lostObjects()) {
    const isMeant = type === 'index' && droppedIndexes.includes(name);
    if (isMeant || allowed.has(name.toLowerCase())) continue;
    yield {
      message: `${tag} rebuilds ${table} and drops the ${type} ${name} with the old one.`,
      hint: `Create ${name} again at the end of the migration; if the loss is intended, DROP it there by name.`,
    };
  }
}

function deletedFrom(steps: readonly MigrationStep[]): Set<string> {
  const deletions = steps.map(({ sql }) => actionOf(sql)).filter(({ verb }) => verb === 'DELETE');
  return new Set(deletions.flatMap(({ table }) => (table === undefined ? [] : [table])));
}

/** Statements that a rebuild may need: triggers of other tables and views that name the table are created again. */
const IS_NO_CHANGE = new Set(['PRAGMA', 'CREATE TRIGGER', 'CREATE VIEW']);

/** Finds other changes in a migration with a rebuild, because drizzle-kit generates wrong SQL for both together. */
function problemsOfRebuild(tag: string, steps: readonly MigrationStep[]): Problem[] {
  const actions = steps.map(({ sql }) => actionOf(sql));
  const rebuilt = actions.flatMap(({ verb, table }) =>
    verb === 'CREATE TABLE' && table && REBUILT.test(table) ? [table.replace(REBUILT, '')] : [],
  );
  const [table] = rebuilt;
  if (table === undefined) return [];
  const isOfRebuild = ({ verb, table: other }: (typeof actions)[number]) =>
    IS_NO_CHANGE.has(verb) || verb.startsWith('DROP ') || other?.replace(REBUILT, '') === table;
  const others = actions.filter((action) => !isOfRebuild(action) || isAddColumn(steps[actions.indexOf(action)]));
  if (others.length === 0) return [];
  const list = others.map(({ verb, table: other }) => `${verb}${other ? ` ${other}` : ''}`);
  return [
    {
      message: `${tag} rebuilds ${table} and has other changes too: ${[...new Set(list)].join(', ')}.`,
      hint: 'Use one migration per change: delete this one, remove all changes but one from the schema, and generate them one by one.',
    },
  ];
}

function isAddColumn(step: MigrationStep | undefined): boolean {
  if (!step) return false;
  const words = withoutComments(step.sql).split(' ');
  return words[0] === 'ALTER' && words[3] === 'ADD';
}

function problemsOfStep(tag: string, { sql, position }: MigrationStep, connection: Connection): Problem[] {
  const text = withoutComments(sql);
  if (isAddColumn({ sql, position }) && / NOT NULL\b/.test(text) && !/ DEFAULT\b/.test(text)) {
    return [
      {
        message: `Statement ${position} of ${tag} adds a column that is NOT NULL and has no default: it fails on a table with rows.`,
        hint: 'Give the column a default, or let it be NULL, fill it in a second migration, and make it NOT NULL in a third.',
      },
    ];
  }
  const { verb, table } = actionOf(sql);
  return verb === 'INSERT' && table && REBUILT.test(table) ? problemsOfCopy(tag, sql, table, connection) : [];
}

/** A column of a table. */
interface Column {
  readonly name: string;
  /** 1 or 0. */
  readonly isGenerated: number;
}

/** drizzle-kit's form: INSERT INTO `__new_a`("id", "n") SELECT "id", "n" FROM `a` */
const COPY = /\(([^()]*)\)\s*SELECT\s+([^()]*?)\s+FROM\s/i;

function problemsOfCopy(tag: string, sql: string, rebuilt: string, connection: Connection): Problem[] {
  const [, into, from] = COPY.exec(sql) ?? [];
  if (into === undefined || from === undefined) return [];
  const names = (list: string) => list.split(',').map((name) => name.trim().replace(/^["`[]|["`\]]$/g, ''));
  const columns = (table: string) =>
    connection
      .prepare<Column>('SELECT name, hidden IN (2, 3) AS isGenerated FROM pragma_table_xinfo(?) WHERE hidden <> 1')
      .all(table);
  const table = rebuilt.replace(REBUILT, '');
  const [old, anew] = [columns(table), columns(rebuilt)];
  const has = (some: readonly Column[], name: string) => some.some((column) => column.name === name);
  const generated = anew.filter(({ isGenerated }) => isGenerated).filter(({ name }) => names(into).includes(name));
  const lacking = names(from).filter((name) => !has(old, name));
  const left = anew.filter(({ name, isGenerated }) => !isGenerated && has(old, name) && !names(into).includes(name));
  return [
    ...generated.map(({ name }) => ({
      message: `${tag} rebuilds ${table} and copies its column ${name}, which is generated: SQLite refuses to store a value in it.`,
      hint: `Remove ${name} from the INSERT and from its SELECT.`,
    })),
    ...lacking.map((name) => ({
      message: `${tag} rebuilds ${table} and copies its column ${name}, but the old table lacks it: bun:sqlite would store the word ${name} in every row.`,
      hint: 'Add the column in a migration of its own, before the one that rebuilds the table.',
    })),
    ...left.map(({ name }) => ({
      message: `${tag} rebuilds ${table} and does not copy its column ${name}: its values would be lost.`,
      hint: `Copy ${name} in the INSERT too.`,
    })),
  ];
}
