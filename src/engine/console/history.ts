import { type AnyDb, connectionOf } from '../connection/db.ts';
import type { History } from '../migrations/history.ts';
import { loggedEntry } from '../migrations/ledger.ts';
import { planFor } from '../migrations/plan.ts';
import { refusalOf } from '../migrations/refusal.ts';
import { type Drift, driftOf, liveDrift } from '../migrations/schema-state.ts';

/** A migration of the history or of the file. */
export interface HistoryEntry {
  readonly tag: string;
  readonly state: 'applied' | 'pending' | 'unknown';
  /** When it was applied. Null if it was not applied, or was applied by another tool. */
  readonly at: string | null;
}

/** Returns the migrations of the history and of the file. Unlike `migrationStatus()`, it counts no rows. */
export function readHistoryOf(
  db: AnyDb,
  history: History,
): {
  readonly entries: readonly HistoryEntry[];
  readonly problem?: { readonly text: string; readonly hint: string };
  readonly drift: readonly Drift[];
} {
  const connection = connectionOf(db);
  return connection.runTransaction(() => {
    const { applied, pending, problem } = planFor(connection, history);
    const unknown = problem?.kind === 'newer_database' ? problem.entries : [];
    const driftIn = () => {
      if (problem) return [];
      return pending.length === 0
        ? liveDrift(connection, history)
        : driftOf(connection, { ...history, migrations: applied });
    };
    const refusal = problem && refusalOf(problem, connection, history);
    return {
      entries: [
        ...applied.map(({ tag, hash }) => ({
          tag,
          state: 'applied' as const,
          at: loggedEntry(connection, hash)?.appliedAt ?? null,
        })),
        ...pending.map(({ tag }) => ({ tag, state: 'pending' as const, at: null })),
        ...unknown.map(({ tag, hash, appliedAt }) => ({
          tag: tag ?? hash.slice(0, 12),
          state: 'unknown' as const,
          at: appliedAt ?? null,
        })),
      ],
      ...(refusal && { problem: { text: refusal.message, hint: refusal.hint } }),
      drift: driftIn(),
    };
  }, 'deferred');
}
