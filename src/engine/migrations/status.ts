import type { Connection } from '../connection/connection.ts';
import { mismatch } from './bring-up.ts';
import type { History } from './history.ts';
import { loggedEntry } from './ledger.ts';
import { type Problem, planFor } from './plan.ts';
import { refusalOf } from './refusal.ts';
import { countRows, type RowCounts } from './rows.ts';
import { type Drift, driftOf } from './schema-state.ts';

/** An applied migration. */
export interface AppliedEntry {
  readonly tag: string;
  readonly hash: string;
  /** When it was applied; absent if another tool applied it. */
  readonly appliedAt?: string;
}

/** The migration status of a file. Determining it writes nothing. */
export interface MigrationStatus {
  readonly filename: string;
  /** `current`, `pending`, `schema_mismatch`, or the kind of the MigrationError that opening would throw. */
  readonly state: 'current' | 'pending' | 'schema_mismatch' | Problem['kind'];
  readonly applied: readonly AppliedEntry[];
  /** The tags of the pending migrations, oldest first. */
  readonly pending: readonly string[];
  /** The message and the hint of the error that opening would throw, if any. */
  readonly problem?: { readonly message: string; readonly hint: string };
  /** How the schema differs from the applied migrations; empty if there is a problem. */
  readonly drift: readonly Drift[];
  readonly rows: RowCounts;
}

/** Compares a file with a history. Writes nothing. */
export function statusOf(connection: Connection, history: History): MigrationStatus {
  // One transaction, so that the plan and the rows are consistent even if others commit meanwhile.
  return connection.runTransaction(() => {
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
