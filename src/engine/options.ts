import { InvalidInputError } from './errors.ts';

/** The names of all options of a function. The compiler ensures that the list is complete. */
export type OptionNames<T> = { readonly [Name in keyof T]-?: true };

/**
 * Checks that options are an object with known names only. Otherwise a misspelled `dryRun` would have the opposite
 * effect.
 *
 * @throws InvalidInputError that names the unknown option and, if there is one, a similar known one.
 */
export function optionsArgument<T extends object>(options: T, names: OptionNames<T>, name = 'options'): T {
  objectArgument(options, name);
  for (const key of keysOf(options, name)) if (!Object.hasOwn(names, key)) refuseUnknown(key, Object.keys(names), name);
  return options;
}

/** @throws InvalidInputError if the value is not an object. */
export function objectArgument<T>(value: T, name: string): T {
  if (typeof value !== 'object' || value === null) throw new InvalidInputError(name, 'must be an object');
  return value;
}

function keysOf(options: object, name: string): string[] {
  try {
    return Object.keys(options);
  } catch (cause) {
    throw new InvalidInputError(name, 'could not be read', { cause });
  }
}

/** @throws InvalidInputError always. */
export function refuseUnknown(key: string, names: readonly string[], name: string): never {
  const meant = names.find((known) => isAlike(key.toLowerCase(), known.toLowerCase()));
  throw new InvalidInputError(`${name}.${key}`, `is unknown${meant ? `; did you mean ${meant}?` : ''}`, {
    hint: `Use only these options: ${names.join(', ')}.`,
  });
}

/**
 * Returns true if at most two insertions, deletions or replacements turn one text into the other; fewer for short
 * texts.
 */
function isAlike(a: string, b: string): boolean {
  const most = Math.min(2, Math.floor(b.length / 3));
  if (Math.abs(a.length - b.length) > most) return false;
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let k = 1; k <= b.length; k++) {
      const replaced = (above[k - 1] as number) + (a[i - 1] === b[k - 1] ? 0 : 1);
      row.push(Math.min(replaced, (above[k] as number) + 1, (row[k - 1] as number) + 1));
    }
    above = row;
  }
  return (above[b.length] as number) <= most;
}
