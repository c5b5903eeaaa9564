import { readFileSync } from 'node:fs';

/** A system call, as the tracer logs it; see `tracer/log.h`. */
export interface Call {
  readonly kind: string;
  /** Calls count up at their beginning and at their end; what ended before another began has happened before it. */
  readonly entry: number;
  readonly exit: number;
  /** Below 0: the errno. */
  readonly result: number;
  readonly injected?: number;
  readonly path: string;
  /** Of a rename or a link. */
  readonly to?: string;
  readonly inode?: number;
  readonly isFolder?: boolean;
  /** Of an open. */
  readonly created?: boolean;
  readonly emptied?: boolean;
  /** Of a flush: true through a descriptor that both reads and writes. */
  readonly isBoth?: boolean;
  /** Of a truncation. */
  readonly size?: number;
  /** Of an allocation. */
  readonly mode?: number;
  /** Of a write: where in the file, how many bytes, and where in the file of bytes. */
  readonly offset?: number;
  readonly length?: number;
  readonly at?: number;
}

/** A line that the program printed. */
export interface Said {
  readonly kind: 'say';
  readonly entry: number;
  readonly exit: number;
  readonly text: string;
}

/** What a program did to the files below a folder, in the order in which its calls ended. */
export interface Trace {
  readonly calls: readonly (Call | Said)[];
  readonly bytes: Buffer;
  /** True if the call that should fail was met. */
  readonly isHit: boolean;
}

type Line = Call | Said | { readonly kind: 'rule'; readonly isHit: boolean } | { readonly kind: 'end' };

/** Reads what a tracer logged. */
export function readTrace(log: string): Trace {
  const calls: (Call | Said)[] = [];
  let isHit = false;
  let isWhole = false;
  for (const text of readFileSync(log, 'utf8').split('\n')) {
    if (text === '') continue;
    const line = JSON.parse(text) as Line;
    if (line.kind === 'end') isWhole = true;
    else if ('isHit' in line) isHit ||= line.isHit;
    else calls.push(line as Call | Said);
  }
  if (!isWhole) throw new Error(`The trace ${log} has no end.`);
  return { calls, bytes: readFileSync(`${log}.bytes`), isHit };
}

/** The lines that the program printed, parsed. */
export function answersIn<T>({ calls }: Trace): T[] {
  const text = calls.map((call) => (call.kind === 'say' ? (call as Said).text : '')).join('');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
