import { type SQL, sql } from 'drizzle-orm/sql';
import type { GenericSchema } from 'valibot';
import { InvalidInputError } from '../engine/errors.ts';
import { checked, fitsAsItIs } from '../engine/input.ts';
import type { StoreStatement } from './statements.ts';

/** The statement and the arguments for one patch. */
export interface PatchStep<T> {
  /** The UPDATE of exactly the patch's fields; undefined if the patch is empty. */
  readonly statement: StoreStatement<T> | undefined;
  /** The checked values of the fields: the first arguments of the statement. */
  readonly values: unknown[];
}

/**
 * Builds the UPDATE of some fields.
 *
 * @param set A placeholder for each field, by the field's name.
 * @param names The fields' names, in the order of the statement's first arguments.
 */
export type BuildUpdate<T> = (set: Record<string, SQL>, names: readonly string[]) => StoreStatement<T>;

/**
 * The UPDATEs of a row, one per combination of fields, built at first use. An UPDATE writes the indexes of all columns
 * that it names, even of unchanged ones, so a single UPDATE of all fields would write every index.
 */
export class PatchStatements<T> {
  readonly #names: readonly string[];
  readonly #schemas: readonly GenericSchema[];
  readonly #fits: readonly ((value: unknown) => boolean)[];
  readonly #build: BuildUpdate<T>;
  readonly #bySet: StoreStatement<T>[] = [];

  /** @param fields The schema of each field, by name; at most 31 fields. */
  constructor(fields: Readonly<Record<string, GenericSchema>>, build: BuildUpdate<T>) {
    this.#names = Object.keys(fields);
    this.#schemas = Object.values(fields);
    this.#fits = this.#schemas.map(fitsAsItIs);
    this.#build = build;
  }

  /**
   * Checks a patch. Undefined fields and unknown fields are ignored.
   *
   * @throws InvalidInputError that names the first invalid field.
   */
  for(patch: object): PatchStep<T> {
    if (typeof patch !== 'object' || patch === null) throw new InvalidInputError('patch', 'must be an object');
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

  /** Returns the UPDATE of the fields whose bits are set. */
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
