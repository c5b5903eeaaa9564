import { InvalidInputError } from '../errors.ts';
import { parameterNames } from './sql-text.ts';

/**
 * Returns the names of a statement's parameters by position; undefined if none has a name.
 *
 * @throws InvalidInputError if a statement has both `:a` and `$a`, which some drivers do not distinguish.
 */
export function namesIn(sql: string): (string | undefined)[] | undefined {
  const names = parameterNames(sql);
  const named = names.filter((name) => name !== undefined);
  if (new Set(named).size < named.length)
    throw new InvalidInputError('sql', 'has two parameters whose names differ in the first character only');
  return named.length > 0 ? names : undefined;
}
