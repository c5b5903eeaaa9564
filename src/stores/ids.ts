/** Crockford's base 32, in the order of ASCII, so that the order of the text is the order of the number. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Ten bits as two digits; filled by the first id, since a program that makes none starts the sooner. */
const pairs: string[] = [];

const TWENTY_BITS = 2 ** 20 - 1;

/** Random words are drawn this many at a time: one by one, a draw costs many times the whole id. */
const pool = new Uint32Array(1024);
let used = pool.length;

/** The millisecond of the last id, its digits, and the 80 bits behind them: four times twenty. */
let last = -1;
let time = '';
const random: [number, number, number, number] = [0, 0, 0, 0];
/** The digits of the first forty of the random bits, which change once a millisecond. */
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

/** The id of a new millisecond is random. */
function begin(at: number): void {
  for (let n = pairs.length; n < 1024; n++) pairs.push(`${DIGITS[n >> 5]}${DIGITS[n & 31]}`);
  last = at;
  time = `${digits(Math.floor(at / 2 ** 30))}${digits(Math.floor(at / 2 ** 10) & TWENTY_BITS)}${pairs[at % 1024]}`;
  for (let i = 0; i < 4; i++) random[i] = draw();
  upper = `${digits(random[0])}${digits(random[1])}`;
}

/** The ids of one millisecond follow each other; behind the last of 2^80 the next millisecond begins early. */
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

/** The last millisecond that ten digits hold, less one that {@link increment} may begin. */
const LATEST = 2 ** 48 - 2;

/** A clock that a test has set may give anything: a fraction, 0, a time before 1970, NaN. */
function millisecond(clock: number): number {
  return clock >= 0 && clock <= LATEST ? Math.trunc(clock) : 0;
}

/**
 * A new ULID: 26 characters, the first ten of them the time, greater than every earlier one of this process, also where
 * the clock was set back. https://github.com/ulid/spec
 */
export function newId(): string {
  const at = millisecond(Date.now());
  if (at > last) begin(at);
  else increment();
  return `${time}${upper}${digits(random[2])}${digits(random[3])}`;
}
