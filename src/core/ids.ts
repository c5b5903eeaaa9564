import { monotonicFactory } from 'ulidx';

/** Random bytes are drawn this many at a time: one by one, a draw costs more than the whole id. */
const POOL_BYTES = 4096;

const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;

/** A random number from 0 to 255/256, from the system's own source. ulidx asks for one a character of base 32. */
function random(): number {
  if (used === POOL_BYTES) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  return (pool[used++] as number) / 256;
}

const next = monotonicFactory(random);

/**
 * A new ULID: 26 characters, the first ten of them the time, greater than every earlier one of this process.
 * https://github.com/ulid/spec
 */
export function newId(): string {
  return next();
}
