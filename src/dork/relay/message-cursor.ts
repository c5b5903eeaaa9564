/** The position where a page ended. */
export interface Cursor {
  readonly id: string;
  /** Set if the page ended between two rows of one message. The rows with lesser endpoints of that message follow first. */
  readonly endpointHash?: string;
}

/** The key of a row. */
type Key = Required<Cursor>;

/** Reads a cursor: an id, or an id and an endpoint in the form of {@link cursorAfter}. */
export function cursorOf(text: string): Cursor {
  const [id, endpointHash] = pairOf(text) ?? [text];
  return endpointHash === undefined ? { id } : { id, endpointHash };
}

/**
 * Writes a cursor: the id alone if it is unambiguous, else a JSON array of the id and the endpoint. An id that parses as
 * such an array is never written alone.
 *
 * @param next The first row of the next page.
 */
export function cursorAfter(last: Key, next: Key | undefined): string {
  const isWithin = last.id === next?.id;
  return isWithin || pairOf(last.id) ? JSON.stringify([last.id, isWithin ? last.endpointHash : '']) : last.id;
}

/** Parses an array written by {@link cursorAfter}. Returns undefined for any other text. */
function pairOf(text: string): [id: string, endpointHash: string] | undefined {
  if (!text.startsWith('["')) return undefined;
  try {
    const [id, endpointHash, ...more]: unknown[] = JSON.parse(text);
    if (typeof id !== 'string' || typeof endpointHash !== 'string' || more.length > 0) return undefined;
    const isExact = id.isWellFormed() && endpointHash.isWellFormed() && JSON.stringify([id, endpointHash]) === text;
    return isExact ? [id, endpointHash] : undefined;
  } catch {
    return undefined;
  }
}
