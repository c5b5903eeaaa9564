import { isBusy } from '../connection/sqlite-error.ts';
import type { Kit } from '../definition.ts';
import { DatabaseOpenError, DorkDbError, RestoreError } from '../errors.ts';
import { inspectFile } from '../file/file.ts';
import { type Owner, ownerOf } from '../file/owner.ts';
import type { Thread } from '../worker/thread.ts';
import { inUse } from './exclusive.ts';
import { sidecarsOf } from './file-set.ts';
import { foreignAt, openThere } from './look.ts';

/** The current file at the target of a restore. */
export interface Present {
  /** `missing`; `sound` if it is completely readable; `damaged` if not, or if only its sidecars exist. */
  readonly state: 'missing' | 'sound' | 'damaged';
  /** Why it is unreadable. */
  readonly problem?: string;
  /** The owner of the file, or of its folder. */
  readonly owner: Owner;
}

/** Errors because of which no file can be written to the path, not even to replace a damaged one. */
const NO_PLACE = new Set([
  'FOLDER_MISSING',
  'FOLDER_UNREADABLE',
  'IS_A_FOLDER',
  'NOT_A_FILE',
  'DANGLING_LINK',
  'FILE_UNREADABLE',
]);

/**
 * Checks the current file at a path, and changes nothing.
 *
 * @throws RestoreError `NOT_OURS` for a database of another program, and if no file can be written there.
 */
export async function presentAt(kit: Kit, thread: Thread, filename: string): Promise<Present> {
  const damaged = (error: unknown): Present => {
    if (!(error instanceof DorkDbError)) throw error;
    if (error instanceof RestoreError) throw error;
    if (isBusy(error)) throw inUse(filename, error);
    if (error instanceof DatabaseOpenError && NO_PLACE.has(error.code)) {
      throw new RestoreError(error.code, `Nothing can be restored to ${filename}. ${error.message}`, {
        hint: error.hint,
        cause: error,
      });
    }
    // Only its backups are left: this is a normal case for a restore.
    if (error.code === 'LOST_MAIN_FILE' && sidecarsOf(filename).length === 0)
      return { state: 'missing', owner: ownerOf(filename) };
    return { state: 'damaged', problem: error.message, owner: ownerOf(filename) };
  };
  try {
    if (inspectFile(filename).isNew) {
      const state = sidecarsOf(filename).length > 0 ? 'damaged' : 'missing';
      return { state, owner: ownerOf(filename) };
    }
    refuseForeign(kit, filename);
    const problem = await damageOf(thread, filename);
    return { state: problem ? 'damaged' : 'sound', ...(problem && { problem }), owner: ownerOf(filename) };
  } catch (error) {
    return damaged(error);
  }
}

function refuseForeign(kit: Kit, filename: string): void {
  const found = foreignAt(kit, filename);
  if (!found) return;
  const { code, what, hint } = found;
  throw new RestoreError(code, `${filename} ${what}. It was not changed.`, {
    hint: `${hint} If it is your damaged database, move it away with its -wal, then try again.`,
  });
}

async function damageOf(thread: Thread, filename: string): Promise<string | undefined> {
  const connection = await openThere(thread, filename);
  try {
    const [row] = await connection.all('PRAGMA quick_check(1)');
    const first = String(Object.values(row ?? {})[0]);
    return first === 'ok' ? undefined : `${filename} is damaged: ${first}`;
  } finally {
    await connection.close();
  }
}
