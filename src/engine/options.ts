import { InvalidInputError } from './errors.ts';

/** The names of all options of a function; the compiler keeps them complete. */
export type OptionNames<T> = { readonly [Name in keyof T]-?: true };

/**
 * Checks that options are an object with known names only: a misspelled `dryRun` would do what was not meant.
 *
 * @throws InvalidInputError that names the unknown option and, if there is one like it, the known one.
 */
export function optionsArgument<T extends object>(options: T, names: OptionNames<T>, name = 'options'): T {
  objectArgument(options, name);
  for (const key of keysOf(options, name)) if (!Object.hasOwn(names, key)) refuseUnknown(key, Object.keys(names), name);
  return options;
}

/** @throws InvalidInputError for anything that is not an object. */
export function objectArgument<T>(value: T, name: string): T {
  if (typeof value !== 'object' || value === null) throw new InvalidInputError(name, 'is not an object');
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
  throw new InvalidInputError(`${name}.${key}`, `is not an option${meant ? `; did you mean ${meant}?` : ''}`, {
    hint: `Use only these options: ${names.join(', ')}.`,
  });
}

/** True if one text becomes the other by at most two insertions, deletions or replacements, fewer for short texts. */
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
