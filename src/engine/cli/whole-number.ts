/** Returns the value of an option that counts something. */
export function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new RangeError('It must be a non-negative integer.');
}
