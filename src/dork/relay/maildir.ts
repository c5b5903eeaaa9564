import { InvalidInputError } from '../../engine/errors.ts';
import { textArgument } from '../../engine/input.ts';
import { FIRST_MILLISECOND, type Instant, instant, LAST_MILLISECOND } from '../../engine/time.ts';
import type { RelayMessageStatus } from './message.ts';

/** The folders of an endpoint whose messages are indexed. */
export type MaildirSubdir = 'new' | 'cur' | 'failed';

/** The fields of a message's file that the index reads. */
export interface MaildirEnvelope {
  subject: string;
  /** The sender. */
  from: string;
  /** ISO 8601 with a time zone. */
  createdAt: string;
  budget: {
    /** When the message expires, in Unix milliseconds. 0: never. */
    ttl: number;
  };
}

/** Gives the index access to the Maildir files. The ids are file names. */
export interface MaildirStore {
  /** Returns the ids in `new/`, i.e. of waiting messages. */
  listNew(endpointHash: string): Promise<string[]>;
  /** Returns the ids in `cur/`, i.e. of delivered messages. */
  listCurrent(endpointHash: string): Promise<string[]>;
  /** Returns the ids in `failed/`. */
  listFailed(endpointHash: string): Promise<string[]>;
  /** Returns the envelope of a message, or null if the file does not exist (any more). */
  readEnvelope(endpointHash: string, subdir: MaildirSubdir, id: string): Promise<MaildirEnvelope | null>;
}

/** A folder of an endpoint: its name, the method that lists it, and the status of its messages. */
export interface Folder {
  readonly subdir: MaildirSubdir;
  readonly list: 'listNew' | 'listCurrent' | 'listFailed';
  readonly status: RelayMessageStatus;
}

/** In the order in which a message moves, so that a message that moves during the read is found at least once. */
export const FOLDERS: readonly Folder[] = [
  { subdir: 'new', list: 'listNew', status: 'pending' },
  { subdir: 'cur', list: 'listCurrent', status: 'delivered' },
  { subdir: 'failed', list: 'listFailed', status: 'failed' },
];

/** The part of an envelope that is stored in the index. */
export interface EnvelopeFacts {
  readonly subject: string;
  readonly sender: string | null;
  readonly createdAt: Instant;
  readonly expiresAt: Instant | null;
}

/**
 * Returns the facts of an envelope, or undefined if the envelope is invalid.
 *
 * @param endpointSubject The subject if the envelope has none.
 */
export function factsOf(envelope: MaildirEnvelope, endpointSubject: string): EnvelopeFacts | undefined {
  try {
    const { subject, from, createdAt, budget }: Partial<MaildirEnvelope> = envelope;
    return {
      subject: textArgument(subject ?? endpointSubject, 'subject'),
      sender: from === undefined || from === null ? null : textArgument(from, 'from'),
      createdAt: instant(createdAt, 'createdAt'),
      expiresAt: expiry(budget?.ttl),
    };
  } catch (error) {
    if (error instanceof InvalidInputError) return undefined;
    throw error;
  }
}

/** Returns when a message expires. Instants outside the years 0 to 9999 become the first or last instant of that range. */
function expiry(ttl: unknown): Instant | null {
  if (ttl === undefined || ttl === null || ttl === 0) return null;
  return instant(
    typeof ttl === 'number' ? Math.min(Math.max(ttl, FIRST_MILLISECOND), LAST_MILLISECOND) : ttl,
    'budget.ttl',
  );
}
