import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidInputError, MigrationError } from '../errors.ts';
import { textArgument } from '../input.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import { isPlainObject } from '../realm.ts';
import { droppedIndexes } from './kit-snapshot.ts';

/** One migration of a Drizzle folder. */
export interface Migration {
  /** The file's name without `.sql`, e.g. `0000_consolidate`. */
  readonly tag: string;
  /** When it was generated, in Unix milliseconds: the journal's `when`, which the ledger stores as `created_at`. */
  readonly when: number;
  /** SHA-256 of the file's bytes in hexadecimal, as computed by Drizzle. */
  readonly hash: string;
  /** The file's text. */
  readonly sql: string;
  /**
   * Indexes that it drops by not creating them again in a rebuild, as drizzle-kit does. Any other index of a rebuilt table
   * must be created again. Default: none.
   */
  readonly droppedIndexes?: readonly string[];
}

/**
 * The losses that migrations may cause, by tag: names of tables (for their rows), triggers, views and indexes, and what a
 * rebuilt table may lack: `notes STRICT`, `notes WITHOUT ROWID`, `notes.words` for a generated column.
 */
export type AllowLoss = Readonly<Record<string, readonly string[]>>;

/** The migrations of a Drizzle SQLite folder, oldest first. */
export interface History {
  readonly migrations: readonly Migration[];
  /**
   * The statements of the schema after all migrations. They only save time: if they are absent or differ, the history
   * is replayed in memory at each opening.
   */
  readonly schema?: readonly string[];
  /** `PRAGMA application_id` of files with this history. Default: it is not set. */
  readonly applicationId?: number;
  /**
   * Intended losses by tag: names of tables (for their rows), triggers, views and indexes, e.g.
   * `{ '0011_drop_drafts': ['drafts'] }`. Use it for a released migration, whose SQL must not change. Otherwise the
   * comment `-- allow-loss: drafts` in its SQL has the same effect.
   */
  readonly allowLoss?: AllowLoss;
}

const HISTORY: OptionNames<History> = { migrations: true, schema: true, applicationId: true, allowLoss: true };
const MIGRATION: OptionNames<Migration> = { tag: true, when: true, hash: true, sql: true, droppedIndexes: true };

/** @throws InvalidInputError for anything but the result of `readHistory()` or an embedded history. */
export function historyArgument(history: History, name: string): History {
  optionsArgument(history, HISTORY, name);
  const fits = (each: unknown) =>
    isPlainObject(each) &&
    [each.tag, each.hash, each.sql].every((value) => typeof value === 'string') &&
    typeof each.when === 'number';
  if (!Array.isArray(history.migrations) || !history.migrations.every(fits))
    throw new InvalidInputError(name, 'must be the result of readHistory()');
  for (const [i, each] of history.migrations.entries()) optionsArgument(each, MIGRATION, `${name}.migrations[${i}]`);
  return history;
}

interface Journal {
  readonly entries: readonly { readonly tag: string; readonly when: number }[];
}

/** Returns the hash of a migration's text for Drizzle's ledger. */
export function hashOf(sql: string): string {
  // Not imported at the top: the import costs Bun 10 ms at each start, and opening a current file hashes nothing.
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(sql).digest('hex');
}

/**
 * Reads a folder written by drizzle-kit (`meta/_journal.json` and one `.sql` file per entry).
 *
 * @throws MigrationError of kind `failed` if the journal or a file is missing or unreadable.
 * @throws InvalidInputError if `folder` is not a string.
 */
export function readHistory(folder: string): History {
  textArgument(folder, 'folder');
  try {
    const journal = JSON.parse(readFileSync(join(folder, 'meta', '_journal.json'), 'utf8')) as Journal;
    const migrations = journal.entries.map(({ tag, when }, idx): Migration => {
      const sql = readFileSync(join(folder, `${tag}.sql`), 'utf8');
      // Only a rebuild that forgets an index reads the snapshots.
      const lazy = { get: () => droppedIndexes(folder, idx) };
      return Object.defineProperty({ tag, when, hash: hashOf(sql), sql }, 'droppedIndexes', lazy);
    });
    return { migrations };
  } catch (cause) {
    throw new MigrationError(
      'failed',
      `The migration folder ${folder} cannot be read: ${(cause as Error).message}. No database was touched.`,
      {
        hint: 'Pass a folder that drizzle-kit generated, with meta/_journal.json and every file listed there.',
        cause,
      },
    );
  }
}
