import type { SqliteValue } from '../../engine/driver/adapter.ts';
import { FIRST_MILLISECOND, LAST_MILLISECOND } from '../../engine/time.ts';
import { SCHEDULE_STATUSES } from '../pulse/schema.ts';
import { NO_INSTANT, readInstant } from './instants.ts';
import { Misfit, planOrReason } from './misfit.ts';
import type { RowTarget } from './row-import.ts';

/** The target of schedules. Its columns have the order of {@link SchedulePlan.values}. */
export const SCHEDULE_TARGET: RowTarget = {
  kind: 'schedule',
  to: 'pulse_schedules',
  key: 'id',
  columns: [
    'id',
    'name',
    'description',
    'cron',
    'timezone',
    'prompt',
    'cwd',
    'enabled',
    'max_runtime',
    'permission_mode',
    'status',
    'created_at',
    'updated_at',
  ],
};

/** The keys of a schedule in schedules.json. No older version has `description`, but it is harmless. */
const KEYS = [
  'id',
  'name',
  'description',
  'cron',
  'timezone',
  'prompt',
  'cwd',
  'enabled',
  'maxRuntime',
  'permissionMode',
  'status',
  'createdAt',
  'updatedAt',
] as const;

type Key = (typeof KEYS)[number];

/** A cron expression that matches once a year. The schedule that has it is disabled anyway. */
const PLACEHOLDER_CRON = '0 0 1 1 *';

/** Returns the values of a schedule for runs whose schedule is missing. */
export function placeholderValues(id: string, createdAt: string): SqliteValue[] {
  return [id, id, null, PLACEHOLDER_CRON, 'UTC', '', null, 0, null, 'acceptEdits', 'paused', createdAt, createdAt];
}

/** The new row for a schedule of schedules.json, and the rules that were applied to it. */
export interface SchedulePlan {
  readonly id: string;
  readonly values: SqliteValue[];
  readonly adjustments: readonly string[];
}

/** Reads one element of the array. Returns the plan, or the reason to set it aside. */
export function readSchedule(element: unknown): SchedulePlan | string {
  if (typeof element !== 'object' || element === null || Array.isArray(element)) return 'must be an object';
  return planOrReason(() => planOf(element));
}

function planOf(element: object): SchedulePlan {
  const adjustments: string[] = [];
  // Own properties only: in JSON, `__proto__` is an ordinary, unknown key.
  const own = new Map(Object.entries(element));
  const get = (key: Key): unknown => own.get(key) ?? null;
  const prose = (key: Key): string | null => {
    const value = get(key);
    if (typeof value !== 'string' || value.isWellFormed()) return optionalText(key, value);
    adjustments.push(`${key}_half_character_replaced`);
    return value.toWellFormed();
  };
  const text = (key: Key): string => optionalText(key, get(key)) ?? refuse(key, 'is missing');
  const orDefault = (key: Key, value: string): string => {
    const given = optionalText(key, get(key));
    if (given === null) adjustments.push(`${key}_default`);
    return given ?? value;
  };
  const time = (key: Key): string | null => {
    const { iso, rule } = readTime(key, get(key));
    if (rule) adjustments.push(`${key}_${rule}`);
    return iso;
  };
  const id = text('id');
  const status = orDefault('status', 'active');
  if (!SCHEDULE_STATUSES.some((known) => known === status)) refuse('status', 'must be a known value');
  const createdAt = time('createdAt') ?? refuse('createdAt', 'is missing');
  let updatedAt = time('updatedAt');
  if (updatedAt === null) {
    adjustments.push('updatedAt_from_createdAt');
    updatedAt = createdAt;
  }
  const runtime = readMilliseconds(get('maxRuntime'));
  if (runtime.isCut) adjustments.push('maxRuntime_fraction_cut');
  if ([...own.keys()].some((key) => !KEYS.some((known) => known === key))) adjustments.push('unknown_fields_left_out');
  const values = [
    id,
    prose('name') ?? refuse('name', 'is missing'),
    prose('description'),
    text('cron'),
    optionalText('timezone', get('timezone')),
    prose('prompt') ?? refuse('prompt', 'is missing'),
    optionalText('cwd', get('cwd')),
    readFlag(get('enabled')),
    runtime.value,
    orDefault('permissionMode', 'acceptEdits'),
    status,
    createdAt,
    updatedAt,
  ];
  return { id, values, adjustments };
}

function refuse(key: Key, problem: string): never {
  throw new Misfit(`${key} ${problem}`);
}

function optionalText(key: Key, value: unknown): string | null {
  if (value === null) return null;
  if (typeof value !== 'string') return refuse(key, 'must be text');
  return value.isWellFormed() ? value : refuse(key, 'has a lone surrogate, which UTF-8 cannot hold');
}

function readFlag(value: unknown): 0 | 1 {
  if (typeof value !== 'boolean') return refuse('enabled', 'must be true or false');
  return value ? 1 : 0;
}

function readMilliseconds(value: unknown): { value: number | null; isCut: boolean } {
  if (value === null) return { value: null, isCut: false };
  if (typeof value !== 'number') return refuse('maxRuntime', 'must be a number');
  const whole = Math.trunc(value);
  if (!Number.isSafeInteger(whole)) return refuse('maxRuntime', 'must be a safe integer');
  return { value: whole + 0, isCut: whole !== value };
}

function readTime(key: Key, value: unknown): { iso: string | null; rule?: string } {
  if (value === null) return { iso: null };
  if (typeof value === 'string') return readInstant(value) ?? refuse(key, NO_INSTANT);
  const isNumber = typeof value === 'number' && value >= FIRST_MILLISECOND && value <= LAST_MILLISECOND;
  return isNumber ? { iso: new Date(value).toISOString(), rule: 'instant_from_milliseconds' } : refuse(key, NO_INSTANT);
}
