import type { SqliteValue } from '../../engine/driver/adapter.ts';
import { DEEPEST_JSON, depthOfJson } from '../../engine/json-depth.ts';
import { Misfit } from './misfit.ts';
import { type ColumnRule, optionalJson } from './table-rule.ts';

/** Columns of later releases that hold a boolean. */
const FLAGS = new Set(['persona_enabled', 'is_system']);

/**
 * Converts the columns of an agent that this package does not have to keys of its manifest: `display_name` becomes
 * `displayName`, and `traits_json` becomes `traits` with the parsed JSON. A value that JSON cannot represent is written as
 * in an export: `{"$blob":"…"}`, `{"$real":"Infinity"}`.
 */
export function extraRule(unknown: readonly string[]): ColumnRule {
  const column = 'manifest_extra_json';
  const asItIs = optionalJson(column);
  return {
    column,
    older: column,
    read: (value, _, row) => {
      if (unknown.every((name) => (row[name] ?? null) === null)) return asItIs.read(value, _, row);
      const extra = new Map(typeof value === 'string' ? entriesOf(value) : []);
      for (const name of unknown) {
        const given = row[name] ?? null;
        if (given === null) continue;
        const [key, member] = memberOf(name, given);
        extra.set(key, member);
      }
      return JSON.stringify(Object.fromEntries(extra));
    },
  };
}

function entriesOf(json: string): [string, unknown][] {
  const value = parse(json);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Misfit('manifest_extra_json must be an object');
  return Object.entries(value);
}

function memberOf(name: string, value: Exclude<SqliteValue, null>): [key: string, member: unknown] {
  if (FLAGS.has(name) && (value === 0 || value === 1)) return [camelCase(name), value === 1];
  // As text: many JSON parsers lose digits of 64-bit integers.
  if (typeof value === 'bigint') return [camelCase(name), String(value)];
  if (value instanceof Uint8Array) return [camelCase(name), { $blob: Buffer.from(value).toString('base64') }];
  if (typeof value === 'number' && !Number.isFinite(value)) return [camelCase(name), { $real: String(value) }];
  const parsed = name.endsWith('_json') && typeof value === 'string' ? memberIn(value) : undefined;
  return parsed === undefined ? [camelCase(name), value] : [camelCase(name.slice(0, -'_json'.length)), parsed];
}

/** Parses a JSON text. Returns undefined for invalid JSON, or if its nesting would make the whole manifest malformed. */
function memberIn(json: string): unknown {
  return depthOfJson(json) < DEEPEST_JSON ? parse(json) : undefined;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function camelCase(name: string): string {
  return name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
