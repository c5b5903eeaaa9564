import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { isThere } from './fs.ts';

/**
 * A marker is a text at a database's path while the files next to it are exchanged: no program takes it for a database.
 * Its first line says what was interrupted, its second one what ends it, its last one is JSON.
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

/** Returns what a marker describes; undefined if something else, or nothing, is at the path. */
export function readMarker(marker: Marker, path: string): unknown {
  if (!isThere(path) || !beginsWith(path, FIRST_LINES[marker])) return undefined;
  return JSON.parse(readFileSync(path, 'utf8').trimEnd().split('\n').at(-1) ?? '');
}

/** Returns why a file cannot be opened whose first bytes are a marker's. */
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
  const head = Buffer.alloc(text.length);
  const fd = openSync(path, 'r');
  try {
    readSync(fd, head, 0, text.length, 0);
  } finally {
    closeSync(fd);
  }
  return head.toString('latin1') === text;
}
