import { Connection } from '../connection/connection.ts';
import type { Kit } from '../definition.ts';
import type { Adapter } from '../driver/adapter.ts';
import { BackupError } from '../errors.ts';
import { dataTables, type RowCounts } from '../migrations/rows.ts';
import { type Drift, driftOf, replay } from '../migrations/schema-state.ts';
import type { Thread } from '../worker/thread.ts';
import { CAREFUL, look, openThere } from './look.ts';
import { countRowsThere } from './verify.ts';

/** The content of a recovered file, completely read. */
export interface RecoveredState {
  readonly rows: RowCounts;
  /** Rows that the shell found but could not assign to a table. They are in the table `lost_and_found`. */
  readonly lostAndFound: number;
  /** The lines reported by `integrity_check`, at most 20; empty if there is no damage. */
  readonly damage: readonly string[];
  /** Number of rows that refer to missing rows. */
  readonly danglingRows: number;
  /** How its schema differs from the migrations; empty if migrations are missing. */
  readonly drift: readonly Drift[];
  /** Its newest migration; absent if its ledger is unreadable. */
  readonly migration?: string;
  /** Describes a database of another program, and what to do with it. */
  readonly foreign?: { readonly what: string; readonly hint: string };
  /** True if `restore()` accepts it. */
  readonly isRestorable: boolean;
}

const LOST_AND_FOUND = /^lost_and_found(_\d+)?$/;

/** @param to The final path of the file. */
export async function describeRecovered(kit: Kit, thread: Thread, path: string, to: string): Promise<RecoveredState> {
  // On a read-only connection integrity_check skips CHECK constraints (SQLite 3.54.1, on both drivers).
  const connection = await openThere(thread, path, CAREFUL, false);
  try {
    const rows = await countRowsThere(connection, tablesIn(kit.adapter, path));
    const lines = (await connection.all('PRAGMA integrity_check(20)')).map((row) => String(Object.values(row)[0]));
    const damage = lines[0] === 'ok' ? [] : lines;
    const dangling = await connection.all('PRAGMA foreign_key_check');
    const lost = Object.entries(rows).filter(([table]) => LOST_AND_FOUND.test(table));
    return {
      rows,
      lostAndFound: lost.reduce((sum, [, n]) => sum + n, 0),
      damage,
      danglingRows: dangling.length,
      ...ledgerState(kit, path, damage.length === 0, to),
    };
  } finally {
    await connection.close();
  }
}

export function tablesIn(adapter: Adapter, path: string): string[] {
  using connection = new Connection(adapter, path, { readonly: true });
  connection.exec('PRAGMA trusted_schema = OFF');
  return dataTables(connection);
}

function ledgerState(
  kit: Kit,
  path: string,
  isSound: boolean,
  to: string,
): Pick<RecoveredState, 'drift' | 'migration' | 'isRestorable' | 'foreign'> {
  try {
    const { migration, state } = look(kit, path);
    const { adapter, definition } = kit;
    using connection = new Connection(adapter, path, { readonly: true, host: definition });
    const drift = state === 'current' ? driftOf(connection, definition.history) : [];
    return { drift, migration, isRestorable: isSound && (state === 'current' || state === 'pending') };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return { drift: [], ...foreignState(kit, path, to), isRestorable: false };
  }
}

function foreignState({ adapter, definition }: Kit, path: string, to: string): Pick<RecoveredState, 'foreign'> {
  using connection = new Connection(adapter, path, { readonly: true, host: definition });
  connection.exec('PRAGMA trusted_schema = OFF');
  const found = definition.foreign?.(connection);
  if (found) return { foreign: { what: found.what, hint: found.sourceHint?.(to) ?? found.hint } };
  using wanted = replay(connection, definition.history);
  const tables = new Set(dataTables(wanted));
  // A damaged database of this definition may have lost its ledger, but still has a table of it.
  if (dataTables(connection).some((table) => tables.has(table))) return {};
  const what = 'is a SQLite database of another program';
  return { foreign: { what, hint: `Use it with that program; it is not a database of ${definition.name}.` } };
}
