import { MigrationError } from '../errors.ts';
import { commentsOf, leadingWords, splitStatements, withoutComments } from '../sql/sql-text.ts';
import type { AllowLoss, Migration } from './history.ts';

/** A statement of a migration, as it is run. */
export interface MigrationStep {
  readonly sql: string;
  /** Its place in the file, counted from 1. */
  readonly position: number;
}

/** Divides the statements of a migration. */
export const BREAKPOINT = '--> statement-breakpoint';

/** Statements that would leave the one transaction of a migration, or the file. */
const REFUSED = new Set(['BEGIN', 'COMMIT', 'END', 'ROLLBACK', 'SAVEPOINT', 'RELEASE', 'ATTACH', 'DETACH', 'VACUUM']);

/**
 * Pragmas that mean something inside a transaction, or are known to mean nothing there. Any other would change the
 * connection for good, whether the migration is rolled back or not.
 */
const PRAGMAS = new Set(['FOREIGN_KEYS', 'DEFER_FOREIGN_KEYS', 'LEGACY_ALTER_TABLE', 'USER_VERSION', 'APPLICATION_ID']);

function refuse(message: string, hint: string): never {
  throw new MigrationError('failed', `${message} Nothing was applied.`, { hint });
}

/**
 * The statements of a migration. Drizzle runs a file chunk by chunk, divided by `--> statement-breakpoint`; a chunk of
 * only comments is nothing.
 *
 * @throws MigrationError of kind `failed` where a chunk is not one whole statement that can be part of a transaction.
 */
export function stepsOf(migration: Migration): MigrationStep[] {
  const steps: MigrationStep[] = [];
  const { tag } = migration;
  for (const [i, chunk] of migration.sql.split(BREAKPOINT).entries()) {
    // SQLite reads up to a NUL and would take what is before it for the whole.
    if (chunk.includes('\0'))
      refuse(`Chunk ${i + 1} of ${tag} has a NUL, behind which SQLite reads no further.`, 'Take it out.');
    const statements = splitStatements(chunk);
    // bun:sqlite would run the first and record success.
    if (statements.length > 1) {
      refuse(
        `Chunk ${i + 1} of ${tag} holds ${statements.length} statements where a driver runs one.`,
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
      'Take it out: the runner begins and commits, and a migration touches one file.',
    );
  }
  const pragma = words[2] === '.' ? words[3] : words[1];
  if (word === 'PRAGMA' && !PRAGMAS.has(pragma ?? '')) {
    refuse(
      `Statement ${position} of ${tag} sets a pragma, which would outlast the migration on this connection alone.`,
      'Take it out; what every connection needs is set when it opens.',
    );
  }
}

/** What a migration says without comments, white space and the semicolons at the ends of its statements. */
export function withoutDecoration(sql: string): string {
  return sql.split(BREAKPOINT).flatMap(splitStatements).map(withoutComments).join(';\n');
}

/** Returns the names that a migration's comments `-- allow-loss: a, b`, or the lists, allow it to lose; in lower case. */
export function allowedLosses({ tag, sql }: Migration, ...lists: (AllowLoss | undefined)[]): ReadonlySet<string> {
  const commented = commentsOf(sql).flatMap((comment) =>
    (/^--\s*allow-loss:\s*(.+)\s*$/i.exec(comment)?.[1] ?? '').split(',').map((name) => name.trim()),
  );
  const listed = lists.flatMap((list) => (list && Object.hasOwn(list, tag) ? (list[tag] ?? []) : []));
  const names = commented.map((name) => name.replace(/^[`"[]|[`"\]]$/g, ''));
  return new Set([...names, ...listed].map((name) => name.toLowerCase()).filter((name) => name !== ''));
}
