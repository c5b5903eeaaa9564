import { UnsupportedRuntimeError } from '../errors.ts';
import { processMemory } from './process-memory.ts';
import { threadKey } from './register.ts';

/** A SQLite library by its name, version and file. */
export interface LibraryPlace {
  readonly name: string;
  readonly version: string;
  /** The file that it was loaded from; the name itself for Node's own. */
  readonly path: string;
}

/** Returns the library that this process used first, in any thread. */
export function firstLibrary(): LibraryPlace | undefined {
  const row = processMemory()?.prepare('SELECT library FROM uses ORDER BY rowid LIMIT 1').get();
  return row && JSON.parse(String(row.library));
}

/**
 * Records that this thread uses a library.
 *
 * @throws UnsupportedRuntimeError `TWO_LIBRARIES` if another thread uses another one: nobody can see whether it has the
 * same files open.
 */
export function useLibrary({ name, version, path }: LibraryPlace): void {
  const database = processMemory();
  if (!database) return;
  const library = JSON.stringify({ name, version, path });
  // One statement, so that two threads cannot both be the first.
  const { changes } = database
    .prepare(
      `INSERT INTO uses SELECT :library, :thread
       WHERE NOT EXISTS (SELECT * FROM uses WHERE library <> :library AND thread <> :thread)
       ON CONFLICT DO UPDATE SET thread = thread`,
    )
    .run({ library, thread: threadKey() });
  if (Number(changes) > 0) return;
  throw new UnsupportedRuntimeError(
    'TWO_LIBRARIES',
    `Another thread of this process uses another SQLite library than ${name} ${version}, and two of them would delete each other's commits. Nothing was opened.`,
    { hint: 'Let every part of this process use one copy and version of the driver, or use another process.' },
  );
}
