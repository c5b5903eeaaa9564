import type { Connection } from '../connection/connection.ts';
import { mismatch } from './bring-up.ts';
import type { History } from './history.ts';
import { loggedEntry } from './ledger.ts';
import { type Problem, planFor } from './plan.ts';
import { refusalOf } from './refusal.ts';
import { countRows, type RowCounts } from './rows.ts';
import { type Drift, driftOf } from './schema-state.ts';

/** A migration that a file has. */
export interface AppliedEntry {
  readonly tag: string;
  readonly hash: string;
  /** When it was applied, where this package applied it. */
  readonly appliedAt?: string;
}

/** What a file has of the history. Finding it out writes nothing. */
export interface MigrationStatus {
  readonly filename: string;
  /** `current`, `pending`, `schema_mismatch`, or the kind of the MigrationError that opening it would throw. */
  readonly state: 'current' | 'pending' | 'schema_mismatch' | Problem['kind'];
  readonly applied: readonly AppliedEntry[];
  /** The tags that are to be applied, oldest first. */
  readonly pending: readonly string[];
  /** The message of the refusal, where there is one, and the way out. */
  readonly problem?: { readonly message: string; readonly hint: string };
  /** How the schema differs from what the applied migrations yield; empty where there is a problem. */
  readonly drift: readonly Drift[];
  readonly rows: RowCounts;
}

/** Compares a file with a history and writes nothing. */
export function statusOf(connection: Connection, history: History): MigrationStatus {
  // One transaction: the plan and the rows are of the same moment, whatever others commit meanwhile.
  return connection.transaction(() => {
    const { applied, pending, problem } = planFor(connection, history);
    const drift = problem ? [] : driftOf(connection, { migrations: applied });
    const missing = pending.length === 0 ? mismatch(connection, history, drift) : undefined;
    const error = problem ? refusalOf(problem, connection, history) : missing;
    return {
      filename: connection.filename,
      state: problem?.kind ?? (pending.length > 0 ? 'pending' : error ? 'schema_mismatch' : 'current'),
      applied: applied.map(({ tag, hash }) => {
        const logged = loggedEntry(connection, hash);
        return { tag, hash, ...(logged?.appliedAt && { appliedAt: logged.appliedAt }) };
      }),
      pending: pending.map(({ tag }) => tag),
      ...(error && { problem: { message: error.message, hint: error.hint } }),
      drift,
      rows: countRows(connection),
    };
  }, 'deferred');
}
