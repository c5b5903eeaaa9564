import { basename, dirname } from 'node:path';
import type { Changes } from './changes.ts';
import type { Call, Trace } from './trace.ts';

/** A flush that the package itself makes, not SQLite. */
export interface OwnFlush {
  /** Where it is in {@link Changes.steps}. */
  readonly step: number;
  /** What is flushed, the same in each run: `folder backups`, `file dork.db-wal`. */
  readonly name: string;
}

/** Names have times, and random parts. */
function stable(path: string): string {
  return basename(path)
    .replace(/\d{8}T\d{9}Z/, 'TIME')
    .replace(/\d{8}(?=\.db)/, 'DAY')
    .replace(/\.[0-9a-f]{8}\.partial/, '.partial');
}

/**
 * The flushes of the package: it opens a path, flushes it and closes it again. SQLite flushes files that it has written
 * through the same descriptor, and a folder after the first flush of a new file in it or after a removal.
 */
export function ownFlushes(trace: Trace, changes: Changes, home: string): OwnFlush[] {
  const own: OwnFlush[] = [];
  const calls = trace.calls.filter((call): call is Call => call.kind !== 'say' && (call as Call).result >= 0);
  const steps = [...changes.steps.entries()].filter(([, { kind }]) => kind === 'flush').map(([i]) => i);
  let flush = 0;
  for (const [i, call] of calls.entries()) {
    if (call.kind !== 'fsync') continue;
    const step = steps[flush++] as number;
    const [before, earlier] = [calls[i - 1], calls[i - 2]];
    const isJustOpened = before?.kind === 'open' && before.inode === call.inode && !before.created;
    if (!isJustOpened) continue;
    const isOfSqlite =
      call.isFolder &&
      ((earlier?.kind === 'fsync' && dirname(earlier.path) === call.path) ||
        (earlier?.kind === 'unlink' && /-(journal|wal)$/.test(earlier.path)));
    if (isOfSqlite) continue;
    const name = call.path === home ? 'home' : stable(call.path);
    own.push({ step, name: `${call.isFolder ? 'folder' : 'file'} ${name}` });
  }
  return own;
}

/** The same, but without some of the flushes. */
export function withoutFlushes(changes: Changes, flushes: readonly OwnFlush[]): Changes {
  const gone = new Set(flushes.map(({ step }) => step));
  return { ...changes, steps: changes.steps.filter((_, i) => !gone.has(i)) };
}
