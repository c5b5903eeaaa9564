import type { Connection } from '../connection/connection.ts';
import { actionOf, leadingWords, unquotedTokens, wordsOf } from '../sql/sql-text.ts';
import type { MigrationStep } from './steps.ts';

/** Statements that never remove rows from an existing table. */
const HARMLESS = new Set(['CREATE', 'ALTER', 'SELECT', 'PRAGMA', 'ANALYZE', 'REINDEX']);

/** The parts of a database that a migration may change according to its text. Only these are compared. */
export interface Touched {
  /** Words in the migration and in the triggers, in lower case; undefined if no statement can remove rows. */
  readonly words?: ReadonlySet<string>;
  /** Tables that are dropped or renamed, in lower case. */
  readonly replaced: ReadonlySet<string>;
}

export function touchedBy(connection: Connection, steps: readonly MigrationStep[]): Touched {
  const replaced = new Set<string>();
  for (const { sql } of steps) {
    const table = dropsOrRenames(sql) ? actionOf(sql).table : undefined;
    if (table !== undefined) replaced.add(table.toLowerCase());
  }
  if (!steps.some(({ sql }) => mayLoseRows(sql))) return { replaced };
  // Foreign keys do not cascade while they are off, but a trigger may change any table named in it.
  const triggers = connection.prepare<{ sql: string }>("SELECT sql FROM sqlite_schema WHERE type = 'trigger'").all();
  const words = new Set<string>();
  for (const { sql } of [...steps, ...triggers]) for (const word of wordsOf(sql)) words.add(word);
  return { words, replaced };
}

function mayLoseRows(sql: string): boolean {
  const [verb = '', object] = leadingWords(sql, 2);
  return verb === 'DROP' ? object === 'TABLE' : !HARMLESS.has(verb);
}

function dropsOrRenames(sql: string): boolean {
  const [verb, object] = leadingWords(sql, 2);
  if (object !== 'TABLE') return false;
  if (verb === 'DROP') return true;
  if (verb !== 'ALTER') return false;
  const [, , , ...rest] = unquotedTokens(sql);
  const [action, to] = rest[0] === '.' ? rest.slice(2) : rest;
  return action === 'RENAME' && to === 'TO';
}
