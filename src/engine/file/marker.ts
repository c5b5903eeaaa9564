import { readFileSync, type Stats } from 'node:fs';
import { unlessOpen } from '../driver/process-files.ts';
import { firstBytes } from '../first-bytes.ts';
import { statOrUndefined } from './fs.ts';

/**
 * A marker is a text file at a database's path while the files next to it are exchanged. No program mistakes it for a
 * database. Its first line names the interrupted operation, the second one how to finish it, and the last one is JSON.
 */
export type Marker = 'restore' | 'move';

const FIRST_LINES: Readonly<Record<Marker, string>> = {
  restore: 'This is not a database: a restore into this path was interrupted.',
  move: 'This is not a database: it was being moved to another name.',
};

const FINISH = 'Finish it with: ';

const REFUSALS: Readonly<Record<Marker, { code: string; what: string; call: string }>> = {
  restore: { code: 'RESTORE_UNFINISHED', what: 'A restore into', call: 'Call restore() for this path.' },
  move: { code: 'MOVE_UNFINISHED', what: 'Moving the files of', call: 'Move them again.' },
};

/** Returns the text of a marker. */
export function markerText(marker: Marker, finish: string, described: unknown): string {
  return `${FIRST_LINES[marker]}\n${FINISH}${finish}\n${JSON.stringify(described)}\n`;
}

/** Every marker is smaller than this. */
const MARKER_BYTES = 4096;

/** Returns true for a file that may be a marker. */
export function mayBeMarker(file: Stats | undefined): file is Stats {
  return file !== undefined && file.size > 0 && file.size < MARKER_BYTES;
}

/**
 * Returns the JSON of a marker; undefined if the file is not such a marker or does not exist. A database is not read:
 * closing it would drop the locks that this process may have on it.
 */
export function readMarker(marker: Marker, path: string): unknown {
  const file = statOrUndefined(path);
  if (!mayBeMarker(file)) return undefined;
  return unlessOpen(file, () => {
    if (!beginsWith(path, FIRST_LINES[marker])) return undefined;
    return JSON.parse(readFileSync(path, 'utf8').trimEnd().split('\n').at(-1) ?? '');
  });
}

/** Returns the error for opening a file that begins like a marker. */
export function markerRefusal(
  path: string,
  header: Buffer,
): { readonly code: string; readonly message: string; readonly hint: string } | undefined {
  for (const marker of ['restore', 'move'] as const) {
    const first = FIRST_LINES[marker];
    if (header.toString('latin1', 0, first.length) !== first) continue;
    const { code, what, call } = REFUSALS[marker];
    const line = readFileSync(path, 'utf8').split('\n')[1] ?? '';
    return {
      code,
      message: `${what} ${path} was interrupted before its last step.`,
      hint: line.startsWith(FINISH) ? line : call,
    };
  }
  return undefined;
}

function beginsWith(path: string, text: string): boolean {
  return firstBytes(path, text.length).toString('latin1') === text;
}
