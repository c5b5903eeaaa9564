import * as v from 'valibot';
import type { StoreDb } from '../../engine/connection/db.ts';
import { checked, flag, givenText, optionsOf, textArgument, wholeNumber } from '../../engine/input.ts';
import { now } from '../../engine/time.ts';
import { newId } from '../../stores/ids.ts';
import {
  type ListRunsOptions,
  listRunsOptions,
  type PulseRun,
  type PulseRunPatch,
  type PulseRunTrigger,
  runTrigger,
} from './run.ts';
import { runStatements } from './run-statements.ts';
import {
  newSchedule,
  type PulseSchedule,
  type PulseScheduleInput,
  type PulseSchedulePatch,
  scheduleOf,
} from './schedule.ts';
import { SCHEDULE_COLUMNS, scheduleStatements } from './schedule-statements.ts';

/** Options for {@link PulseStore.getSchedules}. */
export interface GetSchedulesOptions {
  /** True for the instant at which each fires next, which is computed and not stored. Default false. */
  withNextRun?: boolean;
}

const schedulesOptions = optionsOf(() => ({ withNextRun: v.optional(flag, false) }));

/**
 * Schedules, and the runs that they made.
 *
 * Every call is synchronous and one statement, so that nothing comes between what it reads and what it writes. An id
 * that is not there gives null or false.
 *
 * @throws InvalidInputError from every method for an argument that cannot be; nothing is written.
 * @throws DatabaseBusyError if another connection kept the lock, ClosedError after `closeDb()`.
 *
 * @example
 * ```ts
 * const pulse = new PulseStore(db);
 * const schedule = pulse.createSchedule({ name: 'Report', prompt: 'Write it', cron: '0 9 * * 1-5' });
 * const run = pulse.createRun(schedule.id, 'scheduled');
 * pulse.updateRun(run.id, { status: 'completed', finishedAt: new Date().toISOString() });
 * ```
 */
export class PulseStore {
  readonly #schedules: ReturnType<typeof scheduleStatements>;
  readonly #runs: ReturnType<typeof runStatements>;

  constructor(db: StoreDb) {
    this.#schedules = scheduleStatements(db);
    this.#runs = runStatements(db);
  }

  /** Every schedule in order of creation. */
  getSchedules(options: GetSchedulesOptions = {}): PulseSchedule[] {
    const { withNextRun } = schedulesOptions(options);
    return this.#schedules.all.all().map((row) => scheduleOf(row, withNextRun));
  }

  /** One schedule, `nextRun` null. */
  getSchedule(id: string): PulseSchedule | null {
    const row = this.#schedules.byId.get(textArgument(id, 'id'));
    return row ? scheduleOf(row, false) : null;
  }

  /**
   * Stores a schedule under a new id and returns it with its defaults.
   *
   * @throws InvalidInputError that names the field: an empty name or prompt, an invalid cron expression, time zone or
   * status; nothing is stored.
   */
  createSchedule(input: PulseScheduleInput): PulseSchedule {
    const at = now();
    const schedule = { id: newId(), ...checked(newSchedule(), input, 'schedule'), createdAt: at, updatedAt: at };
    this.#schedules.insert.run(...SCHEDULE_COLUMNS.map((column) => schedule[column]));
    return { ...schedule, nextRun: null };
  }

  /**
   * Changes some fields of a schedule and gives it as it then is. A patch without fields changes nothing, not even
   * `updatedAt`.
   *
   * @throws InvalidInputError that names the field that does not fit; nothing is changed.
   */
  updateSchedule(id: string, patch: PulseSchedulePatch): PulseSchedule | null {
    const key = textArgument(id, 'id');
    const { statement, values } = this.#schedules.patch.for(patch);
    const row = statement ? statement.get(...values, now(), key) : this.#schedules.byId.get(key);
    return row ? scheduleOf(row, false) : null;
  }

  /** Deletes a schedule with all its runs. */
  deleteSchedule(id: string): boolean {
    return this.#schedules.delete.run(textArgument(id, 'id')).changes > 0;
  }

  /**
   * Stores a run that starts now.
   *
   * @throws ConstraintError of kind `foreign_key` if there is no such schedule.
   * @throws InvalidInputError for a trigger that is not scheduled, manual or agent.
   */
  createRun(scheduleId: string, trigger: PulseRunTrigger): PulseRun {
    const at = now();
    const run: PulseRun = {
      id: newId(),
      scheduleId: textArgument(scheduleId, 'scheduleId'),
      status: 'running',
      startedAt: at,
      finishedAt: null,
      durationMs: null,
      outputSummary: null,
      error: null,
      sessionId: null,
      trigger: checked(runTrigger(), trigger, 'trigger'),
      createdAt: at,
    };
    this.#runs.insert.run(run.id, run.scheduleId, at, run.trigger, at);
    return run;
  }

  /**
   * Changes some fields of a run and gives it as it then is; fields that another process changes meanwhile stay. A
   * patch without fields changes nothing.
   *
   * @throws InvalidInputError that names the field that does not fit; nothing is changed.
   */
  updateRun(id: string, patch: PulseRunPatch): PulseRun | null {
    const key = textArgument(id, 'id');
    const { statement, values } = this.#runs.patch.for(patch);
    if (!statement) return this.#runs.byId.get(key) ?? null;
    values.push(key);
    return statement.getWith(values) ?? null;
  }

  /** Returns a run; null if there is none of that id. */
  getRun(id: string): PulseRun | null {
    return this.#runs.byId.get(textArgument(id, 'id')) ?? null;
  }

  /**
   * Runs, newest first.
   *
   * @throws InvalidInputError if a limit or an offset is not a non-negative integer, or for an unknown status.
   */
  listRuns(options: ListRunsOptions = {}): PulseRun[] {
    const { limit, offset, ...filters } = listRunsOptions(options);
    const [scheduleId, status] = [givenText(filters.scheduleId), givenText(filters.status)];
    if (scheduleId === undefined) {
      return status === undefined
        ? this.#runs.page.all(limit, offset)
        : this.#runs.pageOfStatus.all(status, limit, offset);
    }
    if (status === undefined) return this.#runs.pageOfSchedule.all(scheduleId, limit, offset);
    return status === 'running'
      ? this.#runs.pageOfScheduleRunning.all(scheduleId, limit, offset)
      : this.#runs.pageOfScheduleAndStatus.all(scheduleId, status, limit, offset);
  }

  /** The runs that are running, newest first. */
  getRunningRuns(): PulseRun[] {
    return this.#runs.running.all();
  }

  /**
   * Returns the number of runs.
   *
   * @param scheduleId Default, and for empty text: the runs of every schedule.
   */
  countRuns(scheduleId?: string): number {
    const id = givenText(scheduleId);
    const row =
      id === undefined ? this.#runs.total.get() : this.#runs.totalOfSchedule.get(textArgument(id, 'scheduleId'));
    return row?.total ?? 0;
  }

  /**
   * Deletes the runs of a schedule except the newest `keep` and those that are still running. Returns how many it
   * deleted.
   *
   * @throws InvalidInputError if `keep` is not a non-negative integer.
   */
  pruneRuns(scheduleId: string, keep: number): number {
    return this.#runs.prune.run(textArgument(scheduleId, 'scheduleId'), checked(wholeNumber, keep, 'keep')).changes;
  }

  /**
   * After a crash: what was running has failed, now, with the error `Interrupted by server restart`.
   *
   * @returns How many those were.
   */
  markRunningAsFailed(): number {
    return this.#runs.fail.run(now()).changes;
  }

  /** Does nothing: the database is closed by whoever opened it. */
  close(): void {}
}
