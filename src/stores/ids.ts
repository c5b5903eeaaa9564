/** Crockford's base 32 in ASCII order, so that ids sort as text in the order of their numbers. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Ten bits as two digits. Filled by the first id, so that a program that creates no ids starts faster. */
const pairs: string[] = [];

const TWENTY_BITS = 2 ** 20 - 1;

/** Random words are drawn in batches of this size: drawing them one by one costs many times the whole id. */
const pool = new Uint32Array(1024);
let used = pool.length;

/** The millisecond of the last id, its digits, and the 80 random bits after them, as four groups of twenty. */
let last = -1;
let time = '';
const random: [number, number, number, number] = [0, 0, 0, 0];
/** The digits of the first forty random bits, which change once per millisecond. */
let upper = '';

function digits(twentyBits: number): string {
  return `${pairs[twentyBits >>> 10]}${pairs[twentyBits & 1023]}`;
}

function draw(): number {
  if (used === pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  return (pool[used++] as number) & TWENTY_BITS;
}

/** Starts a new millisecond with a random id. */
function begin(at: number): void {
  for (let n = pairs.length; n < 1024; n++) pairs.push(`${DIGITS[n >> 5]}${DIGITS[n & 31]}`);
  last = at;
  time = `${digits(Math.floor(at / 2 ** 30))}${digits(Math.floor(at / 2 ** 10) & TWENTY_BITS)}${pairs[at % 1024]}`;
  for (let i = 0; i < 4; i++) random[i] = draw();
  upper = `${digits(random[0])}${digits(random[1])}`;
}

/**
 * Increments the random bits, so that the ids of one millisecond are ascending. After 2^80 ids the next millisecond
 * begins early.
 */
function increment(): void {
  for (let i = 3; i >= 0; i--) {
    const next = (random[i] as number) + 1;
    random[i] = next & TWENTY_BITS;
    if (next <= TWENTY_BITS) {
      if (i < 2) upper = `${digits(random[0])}${digits(random[1])}`;
      return;
    }
  }
  begin(last + 1);
}

/** The latest millisecond that fits in ten digits, minus one that {@link increment} may begin early. */
const LATEST = 2 ** 48 - 2;

/**
 * Returns a valid millisecond for any clock. A clock set by a test may return a fraction, 0, a time before 1970 or NaN.
 */
function millisecond(clock: number): number {
  return clock >= 0 && clock <= LATEST ? Math.trunc(clock) : 0;
}

/**
 * Returns a new ULID: 26 characters, of which the first ten are the time. It is greater than every earlier id of this
 * process, even if the clock was set back. https://github.com/ulid/spec
 */
export function newId(): string {
  const at = millisecond(Date.now());
  if (at > last) begin(at);
  else increment();
  return `${time}${upper}${digits(random[2])}${digits(random[3])}`;
}
