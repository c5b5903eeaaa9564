import type { Connection } from '../connection/connection.ts';
import { isBusy } from '../connection/sqlite-error.ts';
import type { DriverStatement } from '../driver/adapter.ts';
import { leadingWords } from '../sql/sql-text.ts';
import { now } from '../time.ts';
import { RecordedStatement, type Role } from './recorded-statement.ts';
import type { MonitorTotals, SlowStatement } from './sample.ts';
import { withoutValues, wordsOf } from './statement-text.ts';

/** Maximum number of different slow statements. The least recent ones are dropped. */
const MOST_SLOW = 100;

const ROLES: Record<string, Role> = {
  BEGIN: 'begin',
  SAVEPOINT: 'read',
  COMMIT: 'commit',
  END: 'commit',
  RELEASE: 'commit',
  ROLLBACK: 'rollback',
  PRAGMA: 'read',
};

function roleOf(sql: string, isReadonly: boolean): Role {
  const [first = ''] = leadingWords(sql, 1);
  return ROLES[first] ?? (isReadonly ? 'read' : 'write');
}

/** Counts and times the statements of a connection. */
export class Recorder {
  readonly totals: { -readonly [K in keyof MonitorTotals]: number } = {
    statements: 0,
    statementMs: 0,
    commits: 0,
    busyWaits: 0,
    busyWaitMs: 0,
    busyErrors: 0,
    slowRuns: 0,
  };
  readonly #connection: Connection;
  readonly #slowMs: number;
  readonly #slow = new Map<string, SlowStatement>();
  #words: ReadonlySet<string> | undefined;
  #isQuiet = false;
  #hasWritten = false;

  constructor(connection: Connection, slowMs: number) {
    this.#connection = connection;
    this.#slowMs = slowMs;
  }

  /** Wraps a statement, from its next run on. */
  wrap(statement: DriverStatement, sql: string): DriverStatement {
    if (this.#isQuiet) return statement;
    return new RecordedStatement(this, statement, sql, roleOf(sql, statement.readonly));
  }

  /** Runs a function without recording its new statements. */
  quietly<T>(fn: () => T): T {
    this.#isQuiet = true;
    try {
      return fn();
    } finally {
      this.#isQuiet = false;
    }
  }

  /** @param isIdle True for a write that certainly changed nothing. */
  done(sql: string, role: Role, milliseconds: number, isIdle = false): void {
    const { totals } = this;
    totals.statements++;
    totals.statementMs += milliseconds;
    if (role !== 'read' && !isIdle) this.#follow(role);
    if (milliseconds >= this.#slowMs) this.#keepSlow(sql, milliseconds);
  }

  failed(sql: string, milliseconds: number, error: unknown): void {
    const { totals } = this;
    totals.statements++;
    totals.statementMs += milliseconds;
    if (milliseconds >= this.#slowMs) this.#keepSlow(sql, milliseconds);
    if (isBusy(error)) totals.busyErrors++;
  }

  /** Counts a wait for another connection's lock. */
  waited(milliseconds: number): void {
    this.totals.busyWaits++;
    this.totals.busyWaitMs += milliseconds;
  }

  /** Returns the slow statements, longest run first. */
  slowStatements(): SlowStatement[] {
    return [...this.#slow.values()].sort((a, b) => b.maxMs - a.maxMs);
  }

  #follow(role: Role): void {
    const { totals } = this;
    switch (role) {
      case 'begin':
        this.#hasWritten = false;
        break;
      case 'write':
        if (this.#connection.inTransaction) this.#hasWritten = true;
        else totals.commits++;
        break;
      default:
        // RELEASE and ROLLBACK TO inside a transaction do not end it.
        if (this.#connection.inTransaction) break;
        if (role === 'commit' && this.#hasWritten) totals.commits++;
        this.#hasWritten = false;
    }
  }

  #keepSlow(text: string, milliseconds: number): void {
    this.totals.slowRuns++;
    const sql = withoutValues(text, this.#names());
    const before = this.#slow.get(sql);
    // Moved to the end, so that the first one is the least recently slow one.
    this.#slow.delete(sql);
    this.#slow.set(sql, {
      sql,
      count: (before?.count ?? 0) + 1,
      totalMs: (before?.totalMs ?? 0) + milliseconds,
      maxMs: Math.max(before?.maxMs ?? 0, milliseconds),
      lastAt: now(),
    });
    const [oldest] = this.#slow.keys();
    if (this.#slow.size > MOST_SLOW && oldest !== undefined) this.#slow.delete(oldest);
  }

  #names(): ReadonlySet<string> {
    this.#words ??= this.quietly(() => {
      const row = this.#connection
        .prepare<{ text: string | null }>("SELECT group_concat(sql, ' ') AS text FROM sqlite_schema")
        .get();
      return wordsOf(row?.text ?? '');
    });
    return this.#words;
  }
}
