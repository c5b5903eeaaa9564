import { readFileSync, statSync } from 'node:fs';
import type { ImportContext, Steps } from './import-context.ts';
import { RowWriter, setAside } from './row-import.ts';
import { readSchedule, SCHEDULE_TARGET } from './schedule-row.ts';
import { refusal } from './source-file.ts';

/** The name of the array in the receipt. */
export const SCHEDULES = 'schedules';

/** The most bytes of the file. DorkOS never wrote a larger one, and JSON.parse would need several times as much memory. */
const LARGEST = 256 * 2 ** 20;

/**
 * Reads schedules.json.
 *
 * @throws ImportError if the file is unreadable or not a JSON array.
 */
export function readSchedulesFile(path: string): unknown[] {
  const { size } = statSync(path);
  if (size > LARGEST) {
    throw refusal('TOO_LARGE', path, `has ${size} bytes; the limit is ${LARGEST}`, 'Split the array.');
  }
  const value = parse(path, readFileSync(path));
  if (!Array.isArray(value)) {
    throw refusal(
      'NOT_AN_ARRAY',
      path,
      'is JSON, but not an array of schedules',
      'Restore the file that DorkOS wrote, and import again.',
    );
  }
  return value;
}

function parse(path: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // The parser's own message would show a part of the file.
    const problem = bytes.length === 0 ? 'is empty' : 'has invalid JSON; it may be half-written';
    throw refusal('NOT_JSON', path, problem, 'Repair the file or restore a copy of it, and import again.');
  }
}

/** Imports schedules in the order of the array. */
export function* importSchedules(context: ImportContext, schedules: readonly unknown[]): Steps {
  const { tally, progress } = context;
  const writer = new RowWriter(context, { ...SCHEDULE_TARGET, sameKey: SAME_ID }, 'older');
  tally.begin(SCHEDULES);
  progress(SCHEDULES, 0, schedules.length);
  for (const [i, element] of schedules.entries()) {
    const plan = readSchedule(element);
    const taken = typeof plan === 'string' ? plan : writer.take(plan.id, plan.values);
    if (typeof plan === 'string' || typeof taken === 'string')
      setAside(context, SCHEDULES, String(i), idOf(element), String(taken));
    else {
      tally.add(SCHEDULES, taken.outcome);
      if (taken.isWritten) for (const rule of plan.adjustments) tally.adjust(SCHEDULES, rule);
    }
    yield;
  }
  progress(SCHEDULES, schedules.length, schedules.length);
}

const SAME_ID = 'an earlier schedule has the same id';

function idOf(element: unknown): unknown {
  return typeof element === 'object' && element !== null && 'id' in element ? element.id : null;
}
