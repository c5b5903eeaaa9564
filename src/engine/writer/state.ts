import { realFile } from '../file/file.ts';
import { codeOf, isSystemError } from '../realm.ts';
import { isShared, type Mark, markPath, readMark } from './mark.ts';
import { folderIdOf, newestTerm, type Term } from './terms.ts';

/** Whether this machine may write a database. */
export type State =
  | { readonly mark: Mark; readonly newest: Term | undefined; readonly isWriter: boolean }
  /** Unknown, so that it may not. */
  | { readonly problem: string; readonly hint: string; readonly cause?: unknown };

/** Reads the mark and the newest term. The shared folder is read each time, because another machine may take over. */
export function stateOf(filename: string): State {
  let mark: Mark | undefined;
  try {
    mark = readMark(filename);
    if (!mark) return { problem: `${markPath(filename)} is not a mark of writer`, hint: JOIN_AGAIN };
    if (mark.folder !== undefined && folderIdOf(mark.shared) !== mark.folder)
      return { problem: `${mark.shared} is not the folder that this machine joined`, hint: MOUNT };
    const newest = newestTerm(mark.shared);
    if ((newest?.number ?? 0) < mark.term) return { problem: `${mark.shared} has no term ${mark.term}`, hint: MOUNT };
    return { mark, newest, isWriter: newest?.id === mark.id };
  } catch (cause) {
    if (!isSystemError(cause)) throw cause;
    const path = mark?.shared ?? markPath(filename);
    return { problem: `${path} could not be read (${codeOf(cause)})`, hint: MOUNT, cause };
  }
}

/** Returns false if another machine is the writer, or if this is unknown. */
export function mayWrite(path: string): boolean {
  if (!isShared(path)) return true;
  const state = stateOf(realFile(path));
  return !('problem' in state) && state.isWriter;
}

const MOUNT = 'Mount the folder that the machines share, then try again.';
const JOIN_AGAIN = 'Leave and join the shared folder again.';
