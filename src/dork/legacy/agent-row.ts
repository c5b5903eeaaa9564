import type { Connection } from '../../engine/connection/connection.ts';
import type { Statement } from '../../engine/connection/statement.ts';
import type { SqliteValue } from '../../engine/driver/adapter.ts';
import { DEFAULT_BEHAVIOR, DEFAULT_BUDGET } from '../mesh/entry.ts';
import { AGENT_STATUSES } from '../mesh/schema.ts';
import { NO_INSTANT, readInstant } from './instants.ts';
import { Misfit, planOrReason } from './misfit.ts';
import type { RowTarget } from './row-import.ts';
import type { UniqueColumn } from './row-owners.ts';

/** A path has one agent. */
export const AGENT_PATH: UniqueColumn = { name: 'project_path', reason: 'project_path belongs to another agent' };

/** The target of agents. Its columns have the order of {@link AgentPlan.values}. */
export const AGENT_TARGET: RowTarget = {
  kind: 'agent',
  to: 'agents',
  key: 'id',
  unique: AGENT_PATH,
  columns: [
    'id',
    'name',
    'description',
    'runtime',
    'project_path',
    'namespace',
    'capabilities_json',
    'behavior_json',
    'budget_json',
    'manifest_extra_json',
    'scan_root',
    'entrypoint',
    'version',
    'approver',
    'status',
    'last_seen_at',
    'last_seen_event',
    'registered_at',
    'updated_at',
  ],
};

/** The keys of a manifest that repeat a column of the older table, by the column. */
const REPEATED = {
  id: 'id',
  name: 'name',
  description: 'description',
  runtime: 'runtime',
  capabilities: 'capabilities_json',
  namespace: 'namespace',
  registeredAt: 'registered_at',
  registeredBy: 'registered_by',
  projectPath: 'project_path',
  scanRoot: 'scan_root',
} as const;

/** The keys of a manifest that become a column, whatever their value is. */
const KNOWN = [...Object.keys(REPEATED), 'behavior', 'budget'];

const DEFAULTS = {
  behavior: JSON.stringify(DEFAULT_BEHAVIOR),
  budget: JSON.stringify(DEFAULT_BUDGET),
};

/** The new row for an agent of mesh.db, and the rules that were applied to it. */
export interface AgentPlan {
  readonly id: string;
  readonly values: SqliteValue[];
  readonly adjustments: readonly string[];
}

/** An older row by column. Columns that this version of the file does not have are absent. */
export type OlderAgent = Readonly<Record<string, SqliteValue>>;

/** Reads agents of mesh.db with SQLite's JSON functions, which keep numbers and texts as they are written. */
export class AgentReader {
  readonly #isValid: Statement<{ valid: number }>;
  readonly #member: Statement<{ json: string | null }>;
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#isValid = connection.prepare('SELECT json_valid(?) AS valid');
    this.#member = connection.prepare('SELECT ? -> ? AS json');
  }

  /** Returns the plan, or the reason to set the row aside. */
  read(row: OlderAgent): AgentPlan | string {
    return planOrReason(() => this.#plan(row));
  }

  #plan(row: OlderAgent): AgentPlan {
    const adjustments = new Set<string>();
    const id = text(row, 'id');
    const projectPath = text(row, 'project_path');
    const json = text(row, 'manifest_json');
    const manifest = this.#parse(json, 'manifest_json');
    if (typeof manifest !== 'object' || manifest === null || Array.isArray(manifest))
      throw new Misfit('manifest_json must be an object');
    const keys = new Map<string, unknown>(Object.entries(manifest));
    const capabilities = text(row, 'capabilities_json');
    if (!isTexts(this.#parse(capabilities, 'capabilities_json')))
      throw new Misfit('capabilities_json must be an array of strings');

    if (differs(row, keys)) adjustments.add('column_over_manifest');
    const registeredAt = time(row, 'registered_at', adjustments) ?? missing('registered_at');
    const values = [
      id,
      text(row, 'name'),
      optionalText(row, 'description'),
      text(row, 'runtime'),
      projectPath,
      laterColumn(row, 'namespace', keys),
      capabilities,
      this.#object(json, 'behavior', keys, adjustments),
      this.#object(json, 'budget', keys, adjustments),
      this.#extra(json, keys),
      laterColumn(row, 'scan_root', keys),
      ownText(keys, 'entrypoint'),
      ownText(keys, 'version'),
      optionalText(row, 'registered_by'),
      statusOf(keys) ?? 'active',
      time(row, 'last_seen_at', adjustments),
      optionalText(row, 'last_seen_event'),
      registeredAt,
      registeredAt,
    ];
    return { id, values, adjustments: [...adjustments] };
  }

  #parse(json: string, column: string): unknown {
    try {
      const value: unknown = JSON.parse(json);
      if (this.#isValid.get(json)?.valid === 1) return value;
    } catch {
      // Invalid for JSON.parse: refused below, like JSON that SQLite refuses.
    }
    throw new Misfit(`${column} must be JSON`);
  }

  /** Returns the JSON text of a member, or its default if the member is absent or not an object. */
  #object(json: string, key: 'behavior' | 'budget', keys: Map<string, unknown>, adjustments: Set<string>): string {
    const value = keys.get(key);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      adjustments.add(`${key}_default`);
      return DEFAULTS[key];
    }
    const asWritten = this.#member.get(json, `$.${key}`)?.json;
    // Of a duplicate key the last one counts, but SQLite finds the first.
    return asWritten && isDeepStrictEqual(JSON.parse(asWritten), value) ? asWritten : JSON.stringify(value);
  }

  /** Returns the manifest without the keys that have a column. NULL if no keys remain. */
  #extra(json: string, keys: Map<string, unknown>): string | null {
    const known = [...KNOWN, ...['entrypoint', 'version'].filter((key) => ownText(keys, key) !== null)];
    const status = statusOf(keys);
    if (status !== undefined && status !== 'active') known.push('status');
    const left = new Map([...keys].filter(([key]) => !known.includes(key)));
    if (left.size === 0) return null;
    const paths = known.map((key) => `'$.${key}'`).join(', ');
    const row = this.#connection.prepare<{ json: string }>(`SELECT json_remove(?, ${paths}) AS json`).get(json);
    const asWritten = row?.json ?? '{}';
    const isSame = isDeepStrictEqual(new Map(Object.entries(JSON.parse(asWritten))), left);
    return isSame ? asWritten : JSON.stringify(Object.fromEntries(left));
  }
}

/** Returns true if the manifest differs from the columns that it repeats. */
function differs(row: OlderAgent, keys: ReadonlyMap<string, unknown>): boolean {
  return Object.entries(REPEATED).some(([key, column]) => {
    if (!keys.has(key) || row[column] === undefined) return false;
    const value = column === 'capabilities_json' ? JSON.parse(String(row[column])) : row[column];
    return !isDeepStrictEqual(keys.get(key), value);
  });
}

function missing(column: string): never {
  throw new Misfit(`${column} is missing`);
}

function text(row: OlderAgent, column: string): string {
  return optionalText(row, column) ?? missing(column);
}

function optionalText(row: OlderAgent, column: string): string | null {
  const value = row[column] ?? null;
  if (value !== null && typeof value !== 'string') throw new Misfit(`${column} must be text`);
  return value;
}

/** Reads a column that version 4 added. An older file can have the value only in the manifest. */
function laterColumn(row: OlderAgent, column: 'namespace' | 'scan_root', keys: ReadonlyMap<string, unknown>): string {
  if (row[column] !== undefined) return text(row, column);
  const given = keys.get(column === 'namespace' ? 'namespace' : 'scanRoot');
  return typeof given === 'string' ? given.toWellFormed() : '';
}

function ownText(keys: ReadonlyMap<string, unknown>, key: string): string | null {
  const value = keys.get(key);
  return typeof value === 'string' && value.isWellFormed() ? value : null;
}

/** Returns the manifest's status if it is a known status of an agent. Any other status is an ordinary key. */
function statusOf(keys: ReadonlyMap<string, unknown>): string | undefined {
  return AGENT_STATUSES.find((status) => status === keys.get('status'));
}

function time(row: OlderAgent, column: string, adjustments: Set<string>): string | null {
  const value = optionalText(row, column);
  if (value === null) return null;
  const read = readInstant(value);
  if (!read) throw new Misfit(`${column} ${NO_INSTANT}`);
  if (read.rule) adjustments.add(`${column}_${read.rule}`);
  return read.iso;
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/** Loaded at its first use: an import costs Bun 3 ms at each start. */
function isDeepStrictEqual(a: unknown, b: unknown): boolean {
  return process.getBuiltinModule('node:util').isDeepStrictEqual(a, b);
}
