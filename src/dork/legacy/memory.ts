import type { Connection } from '../../engine/connection/connection.ts';
import type { Statement } from '../../engine/connection/statement.ts';
import type { SqliteValue } from '../../engine/driver/adapter.ts';
import { type ImportContext, ORIGINS, type Origin } from './import-context.ts';
import type { LEGACY_KINDS } from './schema.ts';

type Kind = (typeof LEGACY_KINDS)[number];

/** The rows that a dry run would have written, in a temporary table: there may be millions. */
const PLANNED = 'temp.dork_legacy_planned';

export const CREATE_PLANNED = `CREATE TABLE ${PLANNED} (kind TEXT, id TEXT, state TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID`;
export const DROP_PLANNED = `DROP TABLE IF EXISTS ${PLANNED}`;

/** The state of a row that dork.db had before any import, and which no import changes. */
const OWN = 'own';

/** The state of a row that a newer file's row with the same unique value has replaced. */
export const REPLACED = 'replaced';

/** Separates the id of a row from the value that distinguishes it. 0006_legacy_message_keys.sql has the same character. */
export const SEPARATOR = '\u001f';
/** The character that follows it. */
const AFTER_SEPARATOR = '\u0020';

/**
 * Returns a condition that is true if an import has read a row of this kind with this id (or one of several), and possibly
 * for other rows whose id begins with it. Its two parameters are those of {@link metParameters}.
 */
export function isMet(kind: Kind): string {
  return `EXISTS (SELECT 1 FROM main.legacy_rows WHERE kind = '${kind}' AND id >= ? AND id < ?)`;
}

export function metParameters(id: string): [first: string, end: string] {
  return [id, `${id}${AFTER_SEPARATOR}`];
}

/** Returns the key under which one of several rows with the same id is remembered. */
export function idWithin(id: string, within: SqliteValue | undefined): string {
  return within === undefined ? id : `${id}${SEPARATOR}${within}`;
}

/** Facts about a row from earlier imports and from this one. */
export interface Recalled {
  /** The fingerprint of the row as it was imported. */
  readonly state: string;
  /** True if it was imported from a better source than this one. */
  readonly isBetter: boolean;
  /** True if it was imported from a release that is older than this one, or of unknown age. */
  readonly isFromOlder: boolean;
  /** True if a dry run would have written it. */
  readonly isPlanned: boolean;
  /** True if a row of a newer file has replaced it. */
  readonly isReplaced: boolean;
}

/** The rows of one kind that imports have read: `legacy_rows`, or for a dry run a temporary table. */
export class Memory {
  readonly #kind: Kind;
  readonly #origin: Origin;
  readonly #age: string;
  readonly #find: Statement<{ state: string }>;
  readonly #put: Statement;
  readonly #findPlanned: Statement<{ state: string }> | undefined;
  readonly #findWithin: readonly Statement<{ state: string }>[];

  constructor(context: Pick<ImportContext, 'connection' | 'isDryRun' | 'age'>, kind: Kind, origin: Origin) {
    const { connection, isDryRun, age } = context;
    this.#kind = kind;
    this.#origin = origin;
    this.#age = origin === 'release' ? age : '';
    this.#find = findIn(connection, 'main.legacy_rows');
    this.#findPlanned = isDryRun ? findIn(connection, PLANNED) : undefined;
    this.#findWithin = (isDryRun ? [PLANNED, 'main.legacy_rows'] : ['main.legacy_rows']).map((table) =>
      connection.prepare(`SELECT state FROM ${table} WHERE kind = ? AND id > ? AND id < ? LIMIT 1`),
    );
    this.#put = connection.prepare(
      `INSERT INTO ${isDryRun ? PLANNED : 'main.legacy_rows'} (kind, id, state) VALUES (?, ?, ?)
       ON CONFLICT (kind, id) DO UPDATE SET state = excluded.state`,
    );
  }

  /** Returns undefined for a row that no import has read. */
  recall(id: string): Recalled | undefined {
    const { state, isPlanned } = this.#known(id);
    return this.#recalled(state, isPlanned);
  }

  #known(id: string): { readonly state: string | undefined; readonly isPlanned: boolean } {
    const planned = this.#findPlanned?.get(this.#kind, id);
    return { state: (planned ?? this.#find.get(this.#kind, id))?.state, isPlanned: planned !== undefined };
  }

  /** Returns the facts about one of the rows with the same id; undefined if no import has read any. */
  recallWithin(id: string): Recalled | undefined {
    for (const [i, find] of this.#findWithin.entries()) {
      const known = find.get(this.#kind, `${id}${SEPARATOR}`, `${id}${AFTER_SEPARATOR}`)?.state;
      if (known !== undefined) return this.#recalled(known, i < this.#findWithin.length - 1);
    }
    return undefined;
  }

  #recalled(known: string | undefined, isPlanned: boolean): Recalled | undefined {
    if (known === undefined) return undefined;
    const [state = '', origin = 'older', age = ''] = known.split(' ');
    const isSame = origin === this.#origin;
    return {
      state,
      isBetter: isSame ? age > this.#age : ORIGINS.indexOf(origin) > ORIGINS.indexOf(this.#origin),
      isFromOlder: isSame && age < this.#age,
      isPlanned: isPlanned && state !== OWN && state !== REPLACED,
      isReplaced: state === REPLACED,
    };
  }

  /** @param state The fingerprint of the row as it is imported. */
  remember(id: string, state: string): void {
    const origin = this.#origin === 'older' ? [] : this.#age === '' ? [this.#origin] : [this.#origin, this.#age];
    this.#put.run(this.#kind, id, [state, ...origin].join(' '));
  }

  /** Remembers that a row was replaced by another from a better source. */
  rememberReplaced(id: string, owner: string): void {
    const [, ...origin] = this.#known(owner).state?.split(' ') ?? [];
    this.#put.run(this.#kind, id, [REPLACED, ...origin].join(' '));
  }

  /** Remembers a row that dork.db had before any import. If it is deleted here later, it stays deleted. */
  keepAsItIs(id: string): void {
    this.#put.run(this.#kind, id, OWN);
  }
}

function findIn(connection: Connection, table: string): Statement<{ state: string }> {
  return connection.prepare(`SELECT state FROM ${table} WHERE kind = ? AND id = ?`);
}

/** Returns a hash of values. */
export function fingerprint(values: readonly SqliteValue[]): string {
  // Loaded here: an import costs Bun 8 ms at each start.
  const { hash } = process.getBuiltinModule('node:crypto');
  // Not exact beyond 2^53, but equal to the fingerprints in existing files.
  const known = values.some((value) => typeof value === 'bigint')
    ? values.map((value) => (typeof value === 'bigint' ? Number(value) : value))
    : values;
  return hash('sha256', JSON.stringify(known), 'base64url');
}
