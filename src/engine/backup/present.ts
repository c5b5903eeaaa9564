import { isBusy } from '../connection/sqlite-error.ts';
import type { Kit } from '../definition.ts';
import { DatabaseOpenError, DorkDbError, RestoreError } from '../errors.ts';
import { inspectFile } from '../file/file.ts';
import { type Owner, ownerOf } from '../file/owner.ts';
import type { Thread } from '../worker/thread.ts';
import { inUse } from './exclusive.ts';
import { sidecarsOf } from './file-set.ts';
import { foreignAt, openThere } from './look.ts';

/** What is at the path that a restore shall fill. */
export interface Present {
  /** Nothing, a database that can be read as a whole, or one that cannot, or only its sidecars. */
  readonly state: 'missing' | 'sound' | 'damaged';
  /** Why it cannot be read. */
  readonly problem?: string;
  /** Whose file it is, or whose folder. */
  readonly owner: Owner;
}

/** Reasons why nothing may be put at the path, not even in the place of a damaged file. */
const NO_PLACE = new Set([
  'FOLDER_MISSING',
  'FOLDER_UNREADABLE',
  'IS_A_FOLDER',
  'NOT_A_FILE',
  'DANGLING_LINK',
  'FILE_UNREADABLE',
]);

/**
 * Looks at what is at the path, and changes nothing.
 *
 * @throws RestoreError `NOT_OURS` for a database of another program, and where nothing can be put there.
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
    // Only its backups are left, which is what restores are for.
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
  throw new RestoreError(code, `${filename} ${what}. It was not changed.`, { hint });
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
