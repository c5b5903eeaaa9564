import type * as v from 'valibot';
import { InvalidInputError } from '../../engine/errors.ts';
import { checked, jsonObject } from '../../engine/input.ts';
import { type AgentHealthEntry, computeHealthStatus } from './agent-health.ts';
import { type AgentRegistryEntry, DEFAULT_BEHAVIOR, DEFAULT_BUDGET, entryPatch, newEntry } from './entry.ts';
import type { AgentRow } from './schema.ts';

/** The columns of an entry, under the names of the schema. */
export type EntryRow = Omit<AgentRow, 'lastSeenAt' | 'lastSeenEvent' | 'updatedAt'>;

export type HealthRow = Omit<AgentRow, 'updatedAt'>;

/** The columns of an entry or a patch. */
export interface StoredEntry {
  /** The columns that it sets; undefined is left alone. */
  readonly columns: Partial<EntryRow>;
  /** The keys without a column; undefined if there are none. */
  readonly extra: Record<string, unknown> | undefined;
}

/** Keys with a column for text. Any other value under them is kept like that of an unknown key, and so is half an emoji. */
const TEXT_KEYS = ['entrypoint', 'version'] as const;

/** Longer keys are left out of messages. */
const LONGEST_NAME = 100;

/** @throws InvalidInputError that names the first field that does not fit. */
export function storedEntry(entry: object): StoredEntry {
  const fields = checked(newEntry(), entry, 'entry');
  return stored(fields, unknownKeys(entry, newEntry().entries, 'entry'));
}

/** @throws InvalidInputError that names the first field that does not fit. */
export function storedPatch(patch: object): StoredEntry {
  const fields = checked(entryPatch(), patch, 'patch');
  return stored(fields, unknownKeys(patch, entryPatch().entries, 'patch'));
}

/** The text of the extra keys with others put over them. */
export function mergedExtra(text: string | null, extra: Record<string, unknown>): string {
  return JSON.stringify(text === null ? extra : { ...JSON.parse(text), ...extra });
}

type Fields = v.InferOutput<ReturnType<typeof entryPatch>>;

function stored(fields: Fields, unknown: Map<string, unknown>): StoredEntry {
  const { capabilities, behavior, budget, registeredBy, ...same } = fields;
  const columns: Partial<EntryRow> = {
    ...same,
    capabilities,
    behaviorJson: behavior,
    budgetJson: budget,
    approver: registeredBy,
  };
  for (const key of TEXT_KEYS) {
    const value = unknown.get(key);
    if (typeof value === 'string' && value.isWellFormed()) {
      columns[key] = value;
      unknown.delete(key);
    } else if (value !== undefined) columns[key] = null;
  }
  // The column is also `active` for an entry without a status, which is then returned without it.
  if (fields.status === 'active') unknown.set('status', 'active');
  // Unlike an assignment, fromEntries() makes `__proto__` a key like any other.
  return { columns, extra: unknown.size > 0 ? Object.fromEntries(unknown) : undefined };
}

/** Returns the unknown keys of an object, as far as JSON can represent them. */
function unknownKeys(value: object, known: object, name: string): Map<string, unknown> {
  const unknown = new Map<string, unknown>();
  for (const [key, inner] of entriesOf(value, name)) {
    if (inner === undefined || Object.hasOwn(known, key)) continue;
    const field = key.length <= LONGEST_NAME && key.isWellFormed() ? key : name;
    checked(jsonObject(), { [key]: inner }, field);
    unknown.set(key, inner);
  }
  return unknown;
}

function entriesOf(value: object, name: string): [string, unknown][] {
  try {
    return Object.entries(value);
  } catch (cause) {
    throw new InvalidInputError(name, 'could not be read', { cause });
  }
}

const DEFAULT_BEHAVIOR_JSON = JSON.stringify(DEFAULT_BEHAVIOR);
const DEFAULT_BUDGET_JSON = JSON.stringify(DEFAULT_BUDGET);

/** The entry of a stored row. Most agents have the default behavior and budget, which are copied faster than parsed. */
export function entryOf(row: EntryRow): AgentRegistryEntry {
  const entry: AgentRegistryEntry = {
    id: row.id,
    name: row.name,
    description: row.description ?? '',
    runtime: row.runtime,
    capabilities: JSON.parse(row.capabilities),
    behavior: row.behaviorJson === DEFAULT_BEHAVIOR_JSON ? { ...DEFAULT_BEHAVIOR } : JSON.parse(row.behaviorJson),
    budget: row.budgetJson === DEFAULT_BUDGET_JSON ? { ...DEFAULT_BUDGET } : JSON.parse(row.budgetJson),
    namespace: row.namespace,
    registeredAt: row.registeredAt,
    registeredBy: row.approver ?? 'mesh',
    projectPath: row.projectPath,
    scanRoot: row.scanRoot,
  };
  if (row.entrypoint !== null) entry.entrypoint = row.entrypoint;
  if (row.version !== null) entry.version = row.version;
  if (row.status !== 'active') entry.status = row.status;
  // Spread, since an assignment of `__proto__` would set the prototype; the columns win.
  return row.manifestExtraJson === null ? entry : { ...JSON.parse(row.manifestExtraJson), ...entry };
}

/** The entry of a stored row with its health; the three fields of health win over keys of the same name. */
export function healthEntryOf(row: HealthRow, now: number): AgentHealthEntry {
  return {
    ...entryOf(row),
    lastSeenAt: row.lastSeenAt,
    lastSeenEvent: row.lastSeenEvent,
    healthStatus: computeHealthStatus(row.lastSeenAt, now),
  };
}
