import type { AnyDb, Schema } from '../connection/db.ts';
import type { DefinedDb } from '../define-db.ts';
import { InvalidInputError } from '../errors.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import type { Block } from './blocks.ts';

/** The argument of a view's `read()`. */
export interface Look {
  /** The console's own read-only connection. */
  readonly db: AnyDb;
  readonly kit: DefinedDb<Schema>;
  /** The database file, absolute. */
  readonly filename: string;
  /** The parameters of the address. */
  readonly params: Readonly<Record<string, string>>;
}

/** One view of the console. */
export interface View {
  /** Its name in addresses: letters, digits, `_` and `-`. Each view has another one; `now` and `file` are the engine's. */
  readonly name: string;
  readonly title: string;
  /** Milliseconds between two reads for an open page. Null: the view is read once. */
  readonly everyMs: number | null;
  /** Returns true for parameters whose read is too expensive to repeat. Default: false for all. */
  readonly isOnce?: (params: Readonly<Record<string, string>>) => boolean;
  /** Reads the file. It must not write or leave a transaction open. */
  read(look: Look): readonly Block[] | Promise<readonly Block[]>;
}

const NAMES: OptionNames<View> = { name: true, title: true, everyMs: true, isOnce: true, read: true };

/** The names of the engine's own views. */
const ENGINE_VIEWS = ['now', 'file'];

/**
 * Checks the views of a host.
 *
 * @throws InvalidInputError that names the field.
 */
export function viewsArgument(views: unknown, name: string): void {
  if (!Array.isArray(views)) throw new InvalidInputError(name, 'must be an array of views');
  const taken = new Set(ENGINE_VIEWS);
  for (const [i, view] of views.entries()) {
    viewArgument(view, `${name}[${i}]`);
    if (taken.has(view.name)) throw new InvalidInputError(`${name}[${i}].name`, 'is the name of another view');
    taken.add(view.name);
  }
}

function viewArgument(view: View, field: string): void {
  const { name, title, everyMs, isOnce, read } = optionsArgument(view, NAMES, field) as Record<keyof View, unknown>;
  const require = (isValid: boolean, option: keyof View, problem: string): void => {
    if (!isValid) throw new InvalidInputError(`${field}.${option}`, problem);
  };
  require(typeof name === 'string' && /^[\w-]+$/.test(name), 'name', 'must be one word of letters, digits, _ and -');
  require(typeof title === 'string' && title !== '', 'title', 'must be a text that is not empty');
  require(everyMs === null || isTimeout(everyMs), 'everyMs', 'must be null or an integer from 1 to 2147483647');
  require(isOnce === undefined || typeof isOnce === 'function', 'isOnce', 'must be a function');
  require(typeof read === 'function', 'read', 'must be a function');
}

/** Returns true for milliseconds that a timer can wait. It would run at once for others. */
function isTimeout(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) < 2 ** 31;
}
