import { basename, dirname } from 'node:path';
import type { Changes } from './changes.ts';
import type { Call, Trace } from './trace.ts';

/** A flush that the package itself makes, not SQLite. */
export interface OwnFlush {
  /** Where it is in {@link Changes.steps}. */
  readonly step: number;
  /** What is flushed, the same in each run: `file dork.db-wal`, `folder home, after rename dork.db`. */
  readonly name: string;
}

/** The calls by which one flush is told from another of the same folder. */
const CHANGES = new Set(['write', 'truncate', 'rename', 'link', 'unlink', 'mkdir', 'copy', 'clone']);

/** Names have times, and random parts. */
function stable(path: string): string {
  return basename(path)
    .replace(/\d{8}T\d{9}Z/, 'TIME')
    .replace(/\d{8}(?=\.db)/, 'DAY')
    .replace(/\.[0-9a-f]{8}\.partial/, '.partial')
    .replace(/^\w+(?=\.(jsonl|schema\.json)$)/, 'TABLE');
}

/**
 * The flushes of the package. SQLite flushes files through the descriptor that it reads and writes them with, and a
 * folder after the first flush of a new file in it.
 */
export function ownFlushes(trace: Trace, changes: Changes, home: string): OwnFlush[] {
  const own: OwnFlush[] = [];
  const calls = trace.calls.filter((call): call is Call => call.kind !== 'say' && (call as Call).result >= 0);
  const steps = [...changes.steps.entries()].filter(([, { kind }]) => kind === 'flush').map(([i]) => i);
  const isJustOpened = (i: number) => {
    const [call, before] = [calls[i], calls[i - 1]];
    return before?.kind === 'open' && before.inode === call?.inode && !before.created;
  };
  const isOfSqlite = (i: number): boolean => {
    const call = calls[i];
    if (call?.kind !== 'fsync') return false;
    if (!call.isFolder) return call.isBoth === true && !isJustOpened(i);
    const earlier = calls[i - 2];
    return earlier !== undefined && !earlier.isFolder && dirname(earlier.path) === call.path && isOfSqlite(i - 2);
  };
  let flush = 0;
  for (const [i, call] of calls.entries()) {
    if (call.kind !== 'fsync') continue;
    const step = steps[flush++] as number;
    if (isOfSqlite(i)) continue;
    const named = (path: string) => (path === home ? 'home' : stable(path));
    const last = call.isFolder ? calls.slice(0, i).findLast(({ kind }) => CHANGES.has(kind)) : undefined;
    const to = last?.to === undefined ? '' : ` to ${named(last.to)}`;
    const since = last ? `, after ${last.kind} ${named(last.path)}${to}` : '';
    own.push({ step, name: `${call.isFolder ? 'folder' : 'file'} ${named(call.path)}${since}` });
  }
  return own;
}

/** The same steps, but some of the flushes have no effect. */
export function withoutFlushes(changes: Changes, flushes: readonly number[]): Changes {
  const gone = new Set(flushes);
  return { ...changes, steps: changes.steps.map((step, i) => (gone.has(i) ? { kind: 'none' } : step)) };
}

/** The flushes that SQLite makes of the files and folders that the package's flushes are of. */
export function flushesOfSqlite(changes: Changes, own: readonly OwnFlush[], flushes: readonly OwnFlush[]): number[] {
  const nodeOf = (step: number) => {
    const change = changes.steps[step];
    return change?.kind === 'flush' ? change.node : undefined;
  };
  const nodes = new Set(flushes.map(({ step }) => nodeOf(step)));
  const ours = new Set(own.map(({ step }) => step));
  return [...changes.steps.keys()].filter((step) => {
    const node = nodeOf(step);
    return node !== undefined && nodes.has(node) && !ours.has(step);
  });
}
