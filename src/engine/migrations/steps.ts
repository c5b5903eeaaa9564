import { MigrationError } from '../errors.ts';
import { commentsOf, leadingWords, splitStatements, withoutComments } from '../sql/sql-text.ts';
import type { AllowLoss, Migration } from './history.ts';

/** A statement of a migration. */
export interface MigrationStep {
  readonly sql: string;
  /** Its number in the file, from 1. */
  readonly position: number;
}

/** Separates the statements of a migration. */
export const BREAKPOINT = '--> statement-breakpoint';

/** Statements that would leave the migration's transaction or its file. */
const REFUSED = new Set(['BEGIN', 'COMMIT', 'END', 'ROLLBACK', 'SAVEPOINT', 'RELEASE', 'ATTACH', 'DETACH', 'VACUUM']);

/**
 * Pragmas that work inside a transaction, or are known to have no effect there. Any other would change the connection
 * permanently, even if the migration is rolled back.
 */
const PRAGMAS = new Set(['FOREIGN_KEYS', 'DEFER_FOREIGN_KEYS', 'LEGACY_ALTER_TABLE', 'USER_VERSION', 'APPLICATION_ID']);

function refuse(message: string, hint: string): never {
  throw new MigrationError('failed', `${message} Nothing was applied.`, { hint });
}

/**
 * Returns the statements of a migration. Like Drizzle, runs the chunks between `--> statement-breakpoint`. A chunk of
 * only comments is skipped.
 *
 * @throws MigrationError of kind `failed` if a chunk is not a single complete statement that can run inside a
 * transaction.
 */
export function stepsOf(migration: Migration): readonly MigrationStep[] {
  const known = stepsBySql.get(migration);
  if (known?.sql === migration.sql) return known.steps;
  const steps = readSteps(migration);
  stepsBySql.set(migration, { sql: migration.sql, steps });
  return steps;
}

/** Each test of a host runs a history, so that what follows from its text alone is found once. */
const stepsBySql = new WeakMap<Migration, { readonly sql: string; readonly steps: readonly MigrationStep[] }>();

function readSteps(migration: Migration): MigrationStep[] {
  const steps: MigrationStep[] = [];
  const { tag } = migration;
  for (const [i, chunk] of migration.sql.split(BREAKPOINT).entries()) {
    // SQLite reads up to a NUL and would run only the part before it.
    if (chunk.includes('\0'))
      refuse(`Chunk ${i + 1} of ${tag} has a NUL character, after which SQLite stops reading.`, 'Remove it.');
    const statements = splitStatements(chunk);
    // bun:sqlite would run the first one and report success.
    if (statements.length > 1) {
      refuse(
        `Chunk ${i + 1} of ${tag} holds ${statements.length} statements, but a driver runs only one.`,
        'Put `--> statement-breakpoint` between the statements.',
      );
    }
    for (const sql of statements) {
      const step = { sql, position: steps.length + 1 };
      checkStep(tag, step);
      steps.push(step);
    }
  }
  return steps;
}

function checkStep(tag: string, { sql, position }: MigrationStep): void {
  const words = leadingWords(sql, 4);
  const [word = ''] = words;
  if (REFUSED.has(word)) {
    refuse(
      `Statement ${position} of ${tag} is ${word}, which leaves the transaction of the migration.`,
      'Remove it. The runner begins and commits the transaction, and a migration changes one file.',
    );
  }
  const pragma = words[2] === '.' ? words[3] : words[1];
  if (word === 'PRAGMA' && !PRAGMAS.has(pragma ?? '')) {
    refuse(
      `Statement ${position} of ${tag} sets a pragma that would stay in effect on this connection after the migration.`,
      'Remove it. Pragmas for every connection are set when it opens.',
    );
  }
}

/** Returns a migration's SQL without comments, white space and trailing semicolons. */
export function withoutDecoration(sql: string): string {
  return sql.split(BREAKPOINT).flatMap(splitStatements).map(withoutComments).join(';\n');
}

/**
 * Returns the names that a migration may lose according to its comments `-- allow-loss: a, b` or the lists, in lower
 * case.
 */
export function allowedLosses({ tag, sql }: Migration, ...lists: (AllowLoss | undefined)[]): ReadonlySet<string> {
  const commented = commentsOf(sql).flatMap((comment) =>
    (/^--\s*allow-loss:\s*(.+)\s*$/i.exec(comment)?.[1] ?? '').split(',').map((name) => name.trim()),
  );
  const listed = lists.flatMap((list) => (list && Object.hasOwn(list, tag) ? (list[tag] ?? []) : []));
  const names = commented.map((name) => name.replace(/^[`"[]|[`"\]]$/g, ''));
  return new Set([...names, ...listed].map((name) => name.toLowerCase()).filter((name) => name !== ''));
}
