import type { BudgetCheckResult } from '../../src/dork/mesh/budget-mapper.ts';
import type { RelayIndexRow } from '../../src/dork/relay/schema.ts';

/** A message as it is stored; what is not set is null. */
export type MessageRow = RelayIndexRow;

/** A run with the names of its fields, as PulseStore gives it. */
export interface RunRow {
  readonly id: string;
  readonly scheduleId: string;
  readonly status: string;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly durationMs: number | null;
  readonly outputSummary: string | null;
  readonly error: string | null;
  readonly sessionId: string | null;
  readonly trigger: string;
  readonly createdAt: string;
}

/** An answer now or later, as the peer gives it; the suite awaits only promises. */
export type Answer<T> = T | Promise<T>;

/** The same work through what somebody would use instead of this package, as its documentation shows it. */
export interface Peer {
  getMessage(id: string): Answer<MessageRow | null | undefined>;
  /** The newest messages, by id. */
  newestMessages(limit: number): Answer<readonly MessageRow[]>;
  /** Inserts a message, or replaces the one that has its id. */
  putMessage(message: MessageRow): Answer<unknown>;
  updateStatus(id: string, status: string): Answer<boolean>;
  /** The newest runs, by `createdAt`. */
  newestRuns(limit: number): Answer<readonly RunRow[]>;
  /** Stores a run and gives it back. */
  createRun(run: RunRow): Answer<RunRow>;
  /** In one transaction: sums an agent's calls of the 61 minutes up to this one, and counts a call if there are fewer than `max`. */
  tryRecordCall(agentId: string, minute: number, max: number): Answer<BudgetCheckResult>;
  close(): Answer<unknown>;
}

/** What the file of a peer exports: opens a dork.db with the given pragmas. */
export interface PeerModule {
  open(path: string, pragmas: string): Promise<Peer>;
}

/** The result of a check that saw `used` calls, and counted one more where it was allowed. */
export function checked(used: number, max: number): BudgetCheckResult {
  return used < max ? { allowed: true, remaining: max - used - 1 } : { allowed: false, used };
}
