import type { Change, Changes } from './changes.ts';

/** A line that an operation prints. */
export interface Line {
  readonly writer?: string;
  /** The number of a transaction that was acknowledged. */
  readonly commit?: number;
  /** True after a new file was opened, with its tables. */
  readonly created?: boolean;
  /** True after a checkpoint that was not busy. */
  readonly checkpointed?: boolean;
  /** The path of a backup that is made. */
  readonly backup?: string;
  /** What came of all of it. */
  readonly done?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string };
  readonly unexpected?: string;
}

/** What an operation had said when the power failed. */
export interface Told {
  readonly lines: readonly Line[];
  /** Transactions of each writer that must be there: those from before the last flush of the -wal or a report. */
  readonly durable: ReadonlyMap<string, number>;
  /** Transactions of each writer that were acknowledged. */
  readonly acknowledged: ReadonlyMap<string, number>;
}

/** What its report says; undefined if it had not said it yet. */
export function reportOf<T>({ lines }: Told): T | undefined {
  return lines.find((line) => line.done !== undefined)?.done as T | undefined;
}

/** After these everything before is durable. */
const IS_REPORT = (line: Line) => line.checkpointed === true || line.done === 'closed';

/** Follows what was said, and what must be on the disk. */
export function toldBefore(changes: Changes, cut: number): Told {
  const logs = logsOf(changes);
  const lines: Line[] = [];
  const acknowledged = new Map<string, number>();
  let durable = new Map<string, number>();
  for (const step of changes.steps.slice(0, cut) as readonly Change[]) {
    if (step.kind === 'flush' && logs.has(step.node)) durable = new Map(acknowledged);
    if (step.kind !== 'say') continue;
    for (const text of step.text.split('\n')) {
      if (text === '') continue;
      const line = JSON.parse(text) as Line;
      lines.push(line);
      if (line.writer !== undefined && line.commit !== undefined) acknowledged.set(line.writer, line.commit + 1);
      if (IS_REPORT(line)) durable = new Map(acknowledged);
    }
  }
  return { lines, durable, acknowledged };
}

/** The files that are or were a -wal of the database that is written. */
function logsOf({ before, steps }: Changes): Set<number> {
  const named = [...before, ...steps.flatMap((step) => (step.kind === 'names' ? step.namings : []))];
  return new Set(named.flatMap(({ name, node }) => (name === 'dork.db-wal' && node !== undefined ? [node] : [])));
}

/** What a process said that ended by itself: everything that was acknowledged must be there. */
export function toldBy(lines: readonly Line[]): Told {
  const acknowledged = new Map<string, number>();
  for (const { writer, commit } of lines) {
    if (writer !== undefined && commit !== undefined) acknowledged.set(writer, commit + 1);
  }
  return { lines, durable: acknowledged, acknowledged };
}
