import type { Command as Commander } from 'commander';
import { DatabaseBusyError, type DorkDbError, InvalidInputError } from '../errors.ts';
import { holdersInWords } from '../file/file-locks.ts';

/**
 * Returns an error of a function in the words of the command line: it names an option as it was typed, and the process
 * that holds the lock.
 *
 * @param names Those of the command that differ from those of the function.
 * @param file Returns the database file of the command.
 */
export function inTypedWords(
  error: unknown,
  commander: Commander,
  names: Readonly<Record<string, string>> | undefined,
  file: () => string,
): unknown {
  if (error instanceof DatabaseBusyError) return withHolders(error, file);
  if (error instanceof InvalidInputError) return withTypedName(error, commander, names);
  return error;
}

function withTypedName(
  error: InvalidInputError,
  commander: Commander,
  names: Readonly<Record<string, string>> = {},
): unknown {
  const name = error.field.replace(/^options\./, '');
  const typed =
    names[name] ??
    commander.options.find((option) => option.attributeName() === name)?.long ??
    commander.registeredArguments
      .find((argument) => argument.name() === name)
      ?.name()
      .toUpperCase();
  if (!typed) return error;
  return copyOf(error, {
    message: error.message.replace(error.field, typed),
    hint: error.hint.replace(error.field, typed),
  });
}

/** Names who holds the lock, if it is known. */
export function withHolders(error: DatabaseBusyError, file: () => string): DatabaseBusyError {
  const who = holdersInWords(file(), error.message);
  if (who === undefined) return error;
  return copyOf(error, {
    message: `${error.message} ${who}`,
    hint: 'Run the command again when that process is done with it, or end the process.',
  });
}

/** An error of the same class and code; the first one is its cause. */
function copyOf<T extends DorkDbError>(error: T, words: { readonly message: string; readonly hint: string }): T {
  const copy: T = Object.create(Object.getPrototypeOf(error), Object.getOwnPropertyDescriptors(error));
  for (const [name, value] of Object.entries({ ...words, cause: error }))
    Object.defineProperty(copy, name, { value, enumerable: false, configurable: true });
  return copy;
}
