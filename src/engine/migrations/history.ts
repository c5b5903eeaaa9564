import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MigrationError } from '../errors.ts';
import { textArgument } from '../input.ts';

/** One migration of a Drizzle folder. */
export interface Migration {
  /** The file's name without `.sql`, as `0000_consolidate`. */
  readonly tag: string;
  /** When it was generated, Unix milliseconds: the journal's `when`, which the ledger keeps as `created_at`. */
  readonly when: number;
  /** SHA-256 of the file's bytes in hexadecimal, as Drizzle computes it. */
  readonly hash: string;
  /** The file's text. */
  readonly sql: string;
}

/** The losses that migrations may cause, by their tag: names of tables (rows), triggers and views. */
export type AllowLoss = Readonly<Record<string, readonly string[]>>;

/** The migrations of a Drizzle SQLite folder, oldest first. */
export interface History {
  readonly migrations: readonly Migration[];
  /**
   * The statements of a file's schema that has them all. They only save the replay at each opening: where they are
   * absent or differ, the history is replayed in memory.
   */
  readonly schema?: readonly string[];
  /** `PRAGMA application_id` of files that have this history. Default: it is left alone. */
  readonly applicationId?: number;
  /**
   * What migrations may lose on purpose, by their tag: tables (their rows), triggers and views, as
   * `{ '0011_drop_drafts': ['drafts'] }`. For a migration that was released and whose SQL must not change; else the
   * comment `-- allow-loss: drafts` in its SQL does the same.
   */
  readonly allowLoss?: AllowLoss;
}

interface Journal {
  readonly entries: readonly { readonly tag: string; readonly when: number }[];
}

/** The hash that Drizzle's ledger holds for a migration's text. */
export function hashOf(sql: string): string {
  // Loaded here: an import costs Bun 10 ms at each start, and opening a current file hashes nothing.
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(sql).digest('hex');
}

/**
 * Reads a folder that drizzle-kit wrote (`meta/_journal.json` and one `.sql` file an entry).
 *
 * @throws MigrationError of kind `failed` where the journal or a file is missing or cannot be read.
 * @throws InvalidInputError where `folder` is not text.
 */
export function readHistory(folder: string): History {
  textArgument(folder, 'folder');
  try {
    const journal = JSON.parse(readFileSync(join(folder, 'meta', '_journal.json'), 'utf8')) as Journal;
    const migrations = journal.entries.map(({ tag, when }) => {
      const sql = readFileSync(join(folder, `${tag}.sql`), 'utf8');
      return { tag, when, hash: hashOf(sql), sql };
    });
    return { migrations };
  } catch (cause) {
    throw new MigrationError(
      'failed',
      `The migration folder ${folder} cannot be read: ${(cause as Error).message}. No database was touched.`,
      {
        hint: 'Give a folder that drizzle-kit generated, with meta/_journal.json and every file that it lists.',
        cause,
      },
    );
  }
}
