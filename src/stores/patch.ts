import { type SQL, sql } from 'drizzle-orm/sql';
import type { GenericSchema } from 'valibot';
import { InvalidInputError } from '../engine/errors.ts';
import { checked, fitsAsItIs } from '../engine/input.ts';
import type { StoreStatement } from './statements.ts';

/** What a patch comes to. */
export interface PatchStep<T> {
  /** The UPDATE of exactly the patch's fields; undefined where it has none. */
  readonly statement: StoreStatement<T> | undefined;
  /** The fields' values, checked: the first arguments of the statement. */
  readonly values: unknown[];
}

/**
 * Makes the UPDATE of some fields.
 *
 * @param set A placeholder for each field, by the field's name.
 * @param names The fields' names, in the order of the statement's first arguments.
 */
export type BuildUpdate<T> = (set: Record<string, SQL>, names: readonly string[]) => StoreStatement<T>;

/**
 * The UPDATEs of a row, one for each set of fields that a patch has had until now. An UPDATE writes every index of
 * every column that it names, also of those whose value stays, so that one for all the fields would write them all.
 */
export class PatchStatements<T> {
  readonly #names: readonly string[];
  readonly #schemas: readonly GenericSchema[];
  readonly #fits: readonly ((value: unknown) => boolean)[];
  readonly #build: BuildUpdate<T>;
  readonly #bySet: StoreStatement<T>[] = [];

  /** @param fields What each field may hold, by name; at most 31. */
  constructor(fields: Readonly<Record<string, GenericSchema>>, build: BuildUpdate<T>) {
    this.#names = Object.keys(fields);
    this.#schemas = Object.values(fields);
    this.#fits = this.#schemas.map(fitsAsItIs);
    this.#build = build;
  }

  /**
   * Checks a patch. A field that is undefined is left alone, and so is a field that cannot be patched.
   *
   * @throws InvalidInputError that names the first field that does not fit.
   */
  for(patch: object): PatchStep<T> {
    if (typeof patch !== 'object' || patch === null) throw new InvalidInputError('patch', 'is not an object');
    const values: unknown[] = [];
    let set = 0;
    for (let i = 0; i < this.#names.length; i++) {
      const name = this.#names[i] as string;
      const value = read(patch, name);
      if (value === undefined) continue;
      values.push(this.#fits[i]?.(value) ? value : checked(this.#schemas[i] as GenericSchema, value, name));
      set |= 1 << i;
    }
    return { statement: set === 0 ? undefined : this.#statement(set), values };
  }

  /** The UPDATE of the fields whose bits are set. */
  #statement(set: number): StoreStatement<T> {
    const known = this.#bySet[set];
    if (known) return known;
    const names = this.#names.filter((_, i) => set & (1 << i));
    const statement = this.#build(
      Object.fromEntries(names.map((name) => [name, sql`${sql.placeholder(name)}`])),
      names,
    );
    this.#bySet[set] = statement;
    return statement;
  }
}

function read(patch: object, name: string): unknown {
  try {
    return (patch as Record<string, unknown>)[name];
  } catch (cause) {
    throw new InvalidInputError(name, 'could not be read', { cause });
  }
}
