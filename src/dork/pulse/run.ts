import * as v from 'valibot';
import {
  filterByWord,
  instantOrMillis,
  late,
  oneOfWords,
  optionsOf,
  prose,
  text,
  wholeNumber,
} from '../../engine/input.ts';
import { RUN_STATUSES, RUN_TRIGGERS } from './schema.ts';

/** Whether a run goes on, or how it ended. */
export type PulseRunStatus = (typeof RUN_STATUSES)[number];

/** The origin of a run: its schedule, a person, or an agent. */
export type PulseRunTrigger = (typeof RUN_TRIGGERS)[number];

/** One firing of a schedule. */
export interface PulseRun {
  /** ULID; an imported run keeps the id that it had. */
  id: string;
  scheduleId: string;
  status: PulseRunStatus;
  /** ISO 8601 in UTC. */
  startedAt: string;
  /** ISO 8601 in UTC; null while it runs. */
  finishedAt: string | null;
  /** Milliseconds. */
  durationMs: number | null;
  outputSummary: string | null;
  error: string | null;
  sessionId: string | null;
  trigger: PulseRunTrigger;
  /** ISO 8601 in UTC. */
  createdAt: string;
}

/**
 * Changes of a run. An undefined field is not changed, null clears one that may be null. Instants are ISO 8601
 * text with a time zone, or Unix milliseconds.
 */
export interface PulseRunPatch {
  status?: PulseRunStatus;
  startedAt?: string | number;
  finishedAt?: string | number | null;
  /** Milliseconds. */
  durationMs?: number | null;
  outputSummary?: string | null;
  error?: string | null;
  sessionId?: string | null;
}

/** Which runs to list. */
export interface ListRunsOptions {
  /** Default, and of an empty text: the runs of every schedule. */
  scheduleId?: string;
  /** A {@link PulseRunStatus}. Default, and of an empty text: runs of every status. */
  status?: string;
  /** How many at most. Default 50. */
  limit?: number;
  /** How many of the newest to leave out. Default 0. */
  offset?: number;
}

/**
 * The valid values of each field of a patch, in the order of the table's columns.
 *
 * @internal
 */
export const runFields = late(() => ({
  status: oneOfWords(RUN_STATUSES),
  startedAt: instantOrMillis(),
  finishedAt: v.nullable(instantOrMillis()),
  durationMs: v.nullable(wholeNumber),
  outputSummary: v.nullable(prose),
  error: v.nullable(prose),
  sessionId: v.nullable(text),
}));

/** @internal */
export const runTrigger = late(() => oneOfWords(RUN_TRIGGERS));

/** @internal */
export const listRunsOptions = optionsOf(() => ({
  scheduleId: v.optional(text),
  status: v.optional(filterByWord(RUN_STATUSES)),
  limit: v.optional(wholeNumber, 50),
  offset: v.optional(wholeNumber, 0),
}));
