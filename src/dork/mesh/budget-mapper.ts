import { and, eq, gt, gte, lt, or, sql } from 'drizzle-orm/sql';
import type { StoreDb } from '../../engine/connection/db.ts';
import { DatabaseBusyError } from '../../engine/errors.ts';
import { checked, textArgument, wholeNumber } from '../../engine/input.ts';
import { statementsOf } from '../../stores/statements.ts';
import { rateLimitBuckets } from './schema.ts';

/** The remaining calls of an agent, or the number of its calls. */
export type BudgetCheckResult = BudgetAllowed | BudgetDenied;

/** There are calls left; `remaining` is Infinity if there is no limit. */
export interface BudgetAllowed {
  allowed: true;
  /** Calls in the window of the last hour. */
  remaining: number;
}

/** The calls in the window are as many as there may be. */
export interface BudgetDenied {
  allowed: false;
  /** Calls in the window of the last hour. */
  used: number;
}

/** The current minute and this many before it: never more than the maximum in any 60 minutes, wherever they begin. */
const WINDOW_MINUTES = 60;

/** Buckets that are further from the current minute are deleted: they are old, or of a clock that was far ahead. */
export const KEPT_MINUTES = 120;

const statement = statementsOf('mesh');
const arg = sql.placeholder;

/**
 * Counts the calls of agents in buckets of one minute and holds them to a maximum in a window that slides.
 *
 * @throws InvalidInputError from every method for an argument that cannot be; nothing is written.
 * @throws DatabaseBusyError if another connection kept the lock, ClosedError after `closeDb()`.
 *
 * @example
 * ```ts
 * const budgets = new BudgetMapper(db);
 * const result = budgets.tryRecordCall('agent', 100);
 * if (!result.allowed) throw new Error(`${result.used} calls in the last hour`);
 * ```
 */
export class BudgetMapper {
  readonly #db: StoreDb;
  readonly #statements: ReturnType<typeof bucketStatements>;
  /** The minute in which buckets were last pruned. */
  #prunedIn = Number.NaN;

  constructor(db: StoreDb) {
    this.#db = db;
    this.#statements = bucketStatements(db);
  }

  /**
   * Returns whether an agent may make a call. Two callers at once may both get the last one: use {@link tryRecordCall} if a
   * call follows.
   *
   * @param maxCallsPerHour A non-negative integer, or Infinity for no limit.
   * @returns `remaining`: calls that are left before this one; `used`: calls in the window, once they are too many.
   */
  checkBudget(agentId: string, maxCallsPerHour: number): BudgetCheckResult {
    const id = textArgument(agentId, 'agentId');
    const max = maximum(maxCallsPerHour);
    const minute = this.currentMinuteBucket();
    if (minute !== this.#prunedIn) this.#pruneIn(minute);
    const used = this.#usedBy(id, minute);
    return used < max ? { allowed: true, remaining: max - used } : { allowed: false, used };
  }

  /** Counts a call, whether or not it is allowed. */
  recordCall(agentId: string): void {
    this.#statements.record.run(textArgument(agentId, 'agentId'), this.currentMinuteBucket());
  }

  /**
   * Counts a call if it is allowed, as one immediate transaction: whoever else asks, in this process or another, never
   * gets the same call.
   *
   * @param maxCallsPerHour A non-negative integer, or Infinity for no limit.
   * @returns `remaining`: calls that are left after this one; `used`: calls in the window, nothing was counted.
   */
  tryRecordCall(agentId: string, maxCallsPerHour: number): BudgetCheckResult {
    const id = textArgument(agentId, 'agentId');
    const max = maximum(maxCallsPerHour);
    return this.#db.$client.runTransaction(() => {
      // Under the lock, so that the minute is not older than a call that another connection has counted.
      const minute = this.currentMinuteBucket();
      if (minute !== this.#prunedIn) this.#pruneIn(minute);
      const used = this.#usedBy(id, minute);
      if (used >= max) return { allowed: false, used };
      this.#statements.record.run(id, minute);
      return { allowed: true, remaining: max - used - 1 };
    });
  }

  /** The bucket of this instant: whole minutes since the Unix epoch. */
  currentMinuteBucket(): number {
    return Math.floor(Date.now() / 60_000);
  }

  /** Does nothing: the database is closed by whoever opened it. */
  close(): void {}

  /** Buckets after the current minute count too: they exist if the clock was set back. */
  #usedBy(agentId: string, minute: number): number {
    return this.#statements.used.get(agentId, minute - WINDOW_MINUTES)?.used ?? 0;
  }

  #pruneIn(minute: number): void {
    if (this.#db.$client.readonly) return;
    try {
      this.#statements.prune.run(minute - KEPT_MINUTES, minute + KEPT_MINUTES);
    } catch (error) {
      // Such buckets are in nobody's way: a check does not fail because another process writes for long.
      if (!(error instanceof DatabaseBusyError)) throw error;
    }
    this.#prunedIn = minute;
  }
}

/** The usual maximum is let through without asking the schema. */
function maximum(value: number): number {
  return (Number.isSafeInteger(value) && value >= 0) || value === Number.POSITIVE_INFINITY
    ? value
    : checked(wholeNumber, value, 'maxCallsPerHour');
}

function bucketStatements(db: StoreDb) {
  const { agentId, bucketMinute, count } = rateLimitBuckets;
  return {
    used: statement<{ used: number }>(
      db,
      () =>
        db
          .select({ used: sql<number>`coalesce(sum(${count}), 0)`.as('used') })
          .from(rateLimitBuckets)
          .where(and(eq(agentId, arg('agentId')), gte(bucketMinute, arg('first')))),
      'agentId',
      'first',
    ),
    record: statement(
      db,
      () =>
        db
          .insert(rateLimitBuckets)
          .values({ agentId: arg('agentId'), bucketMinute: arg('bucketMinute'), count: sql`1` })
          .onConflictDoUpdate({ target: [agentId, bucketMinute], set: { count: sql`${count} + 1` } }),
      'agentId',
      'bucketMinute',
    ),
    prune: statement(
      db,
      () => db.delete(rateLimitBuckets).where(or(lt(bucketMinute, arg('first')), gt(bucketMinute, arg('last')))),
      'first',
      'last',
    ),
  };
}
