import { InvalidInputError } from '../../engine/errors.ts';
import { textArgument } from '../../engine/input.ts';
import { FIRST_MILLISECOND, type Instant, instant, LAST_MILLISECOND } from '../../engine/time.ts';
import type { RelayMessageStatus } from './message.ts';

/** The folders of an endpoint whose messages are indexed. */
export type MaildirSubdir = 'new' | 'cur' | 'failed';

/** What the index reads of a message's file. */
export interface MaildirEnvelope {
  subject: string;
  /** The sender. */
  from: string;
  /** ISO 8601 with a time zone. */
  createdAt: string;
  budget: {
    /** The instant at which the message expires, Unix milliseconds; 0 never expires. */
    ttl: number;
  };
}

/** What the index reads the Maildir files through: ids are the names of files. */
export interface MaildirStore {
  /** What waits in `new/`. */
  listNew(endpointHash: string): Promise<string[]>;
  /** What was taken to `cur/`. */
  listCurrent(endpointHash: string): Promise<string[]>;
  /** What lies in `failed/`. */
  listFailed(endpointHash: string): Promise<string[]>;
  /** Null where there is no such file (any more). */
  readEnvelope(endpointHash: string, subdir: MaildirSubdir, id: string): Promise<MaildirEnvelope | null>;
}

/** A folder, how its files are listed, and what the messages in it are. */
export interface Folder {
  readonly subdir: MaildirSubdir;
  readonly list: 'listNew' | 'listCurrent' | 'listFailed';
  readonly status: RelayMessageStatus;
}

/** In the order in which a message moves, so that one that moves while they are read is met at least once. */
export const FOLDERS: readonly Folder[] = [
  { subdir: 'new', list: 'listNew', status: 'pending' },
  { subdir: 'cur', list: 'listCurrent', status: 'delivered' },
  { subdir: 'failed', list: 'listFailed', status: 'failed' },
];

/** What the index keeps of an envelope. */
export interface EnvelopeFacts {
  readonly subject: string;
  readonly sender: string | null;
  readonly createdAt: Instant;
  readonly expiresAt: Instant | null;
}

/**
 * What an envelope says; undefined where it cannot be understood.
 *
 * @param endpointSubject The subject of an envelope that names none.
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

/** What lies beyond the years 0 to 9999 is their first or last instant. */
function expiry(ttl: unknown): Instant | null {
  if (ttl === undefined || ttl === null || ttl === 0) return null;
  return instant(
    typeof ttl === 'number' ? Math.min(Math.max(ttl, FIRST_MILLISECOND), LAST_MILLISECOND) : ttl,
    'budget.ttl',
  );
}
