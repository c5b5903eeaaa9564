/**
 * Checks that hold for values of every realm. Jest, `node:vm` and an Electron window each have their own Error, Object
 * and Uint8Array, so `instanceof` fails for a value that another realm made.
 */

const tagOf = (value: unknown): string => Object.prototype.toString.call(value);

/** True for an error of any realm, also for a driver's that does not inherit from Error. */
export function isError(value: unknown): value is Error {
  return typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string';
}

/** The code of an error, such as `ENOENT` or `SQLITE_FULL`; undefined if it has none. */
export function codeOf(value: unknown): string | undefined {
  return isError(value) && 'code' in value && typeof value.code === 'string' ? value.code : undefined;
}

/** The message of an error; any other value as text. */
export function messageOf(value: unknown): string {
  return isError(value) ? value.message : String(value);
}

/** True for an object of `{}` or of `Object.create(null)`. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || tagOf(value) !== '[object Object]') return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'));
}

/** True for a Uint8Array, such as a Buffer. */
export function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array || (ArrayBuffer.isView(value) && tagOf(value) === '[object Uint8Array]');
}

/** True for a function that was declared `async`. */
export function isAsyncFunction(value: unknown): boolean {
  return tagOf(value) === '[object AsyncFunction]';
}
