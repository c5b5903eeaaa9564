/**
 * Type checks for values of any realm. Jest, `node:vm` and Electron windows have their own Error, Object and
 * Uint8Array, so `instanceof` fails for values of another realm.
 */

const tagOf = (value: unknown): string => Object.prototype.toString.call(value);

/** Returns true for an error of any realm, including a driver's error that does not inherit from Error. */
export function isError(value: unknown): value is Error {
  return typeof value === 'object' && value !== null && 'message' in value && typeof value.message === 'string';
}

/** Returns the code of an error, e.g. `ENOENT` or `SQLITE_FULL`; undefined if it has none. */
export function codeOf(value: unknown): string | undefined {
  return isError(value) && 'code' in value && typeof value.code === 'string' ? value.code : undefined;
}

/** True for an error of a system call, e.g. EIO of a rename. */
export function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return isError(error) && 'syscall' in error && codeOf(error) !== undefined;
}

/** Returns the message of an error, or any other value as text. */
export function messageOf(value: unknown): string {
  return isError(value) ? value.message : String(value);
}

/** Returns true for an object created by `{}` or `Object.create(null)`. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || tagOf(value) !== '[object Object]') return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'));
}

/** Returns true for a Uint8Array, e.g. a Buffer. */
export function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array || (ArrayBuffer.isView(value) && tagOf(value) === '[object Uint8Array]');
}

/** Returns true for a function declared `async`. */
export function isAsyncFunction(value: unknown): boolean {
  return tagOf(value) === '[object AsyncFunction]';
}
