import * as v from 'valibot';
import { InvalidInputError } from '../../engine/errors.ts';
import {
  checked,
  filterByWord,
  fitsAsItIs,
  letThrough,
  oneOfWords,
  optionsOf,
  proseArgument,
  text,
  textArgument,
  wholeNumber,
} from '../../engine/input.ts';
import { instant, now } from '../../engine/time.ts';
import { MESSAGE_STATUSES, type RelayIndexRow } from './schema.ts';

/** `pending` waits in `new/`, `delivered` was taken to `cur/`, `failed` lies in `failed/`. */
export type RelayMessageStatus = (typeof MESSAGE_STATUSES)[number];

/** A message at an endpoint, as the index knows it. */
export interface RelayMessage {
  /** The name of its file; any text. A message that reached several endpoints has one id and a row at each. */
  id: string;
  subject: string;
  endpointHash: string;
  status: RelayMessageStatus;
  /** ISO 8601 in UTC. */
  createdAt: string;
  /** ISO 8601 in UTC; null never expires. */
  expiresAt: string | null;
  /** Absent where it has none. */
  sender?: string;
  /** Absent where it has none. */
  payload?: string;
  /** Absent where it has none. */
  metadata?: string;
}

/**
 * What is indexed of a message. A field that is absent (or undefined) leaves what the index has of a message of the
 * same id at the same endpoint; null clears one that may be null. Instants are ISO 8601 text with a time zone, or Unix milliseconds.
 */
export interface RelayMessageInput {
  id: string;
  subject: string;
  endpointHash: string;
  /** Of a message that is new to the index: `pending` by default. */
  status?: RelayMessageStatus;
  /** Of a message that is new to the index: now by default. */
  createdAt?: string | number;
  expiresAt?: string | number | null;
  /** Who sent it. The rate limiter counts by it: a message without a sender is never counted. */
  sender?: string | null;
  payload?: string | null;
  metadata?: string | null;
}

/** Which messages to list. Every given filter must fit; an empty text is no filter. */
export interface QueryMessagesOptions {
  subject?: string;
  /** A {@link RelayMessageStatus}, or the older `new` (pending) and `cur` (delivered). */
  status?: string;
  sender?: string;
  endpointHash?: string;
  /**
   * The `nextCursor` of the page before, or an id: messages with lesser ids follow. Default: from the greatest id on.
   */
  cursor?: string;
  /** How many at most; 0 gives an empty page. Default 50. */
  limit?: number;
}

/** Messages by id descending, those of one id by endpoint descending. */
export interface RelayMessagePage {
  messages: RelayMessage[];
  /**
   * Set if there are more: the id of the last message, or, if that message has more rows, its id and its endpoint as a
   * JSON array. Absent on the last page.
   */
  nextCursor?: string;
}

/** How many messages there are; one that reached several endpoints counts at each. */
export interface RelayIndexMetrics {
  totalMessages: number;
  /** Only the statuses that some message has. */
  byStatus: Partial<Record<RelayMessageStatus, number>>;
  /** Most first, then in the order of the subjects. */
  bySubject: { subject: string; count: number }[];
}

/** The columns that may be absent from an input; their order is that of the bits of {@link StoredMessage.present}. */
export const OPTIONAL_COLUMNS = ['sender', 'status', 'expiresAt', 'payload', 'metadata', 'createdAt'] as const;

/** What an input comes to. */
export interface StoredMessage {
  /** Which of the optional columns it has: a bit each. */
  readonly present: number;
  /** id, subject, endpoint hash and the optional columns, with the defaults of a new message. */
  readonly values: unknown[];
}

const messageStatus = oneOfWords(MESSAGE_STATUSES);

/** The usual status is let through without asking the schema. */
export function statusArgument(value: unknown, name: string): RelayMessageStatus {
  return value === 'pending' || value === 'delivered' || value === 'failed'
    ? value
    : checked(messageStatus, value, name);
}

/** @throws InvalidInputError that names the first field that does not fit. */
export function storedMessage(message: RelayMessageInput): StoredMessage {
  if (typeof message !== 'object' || message === null) throw new InvalidInputError('message', 'is not an object');
  try {
    return stored(message);
  } catch (cause) {
    if (cause instanceof InvalidInputError) throw cause;
    throw new InvalidInputError('message', 'could not be read', { cause });
  }
}

function stored(message: RelayMessageInput): StoredMessage {
  const { id, subject, endpointHash, sender, status, expiresAt, payload, metadata, createdAt } = message;
  const present =
    (sender !== undefined ? 1 : 0) |
    (status !== undefined ? 2 : 0) |
    (expiresAt !== undefined ? 4 : 0) |
    (payload !== undefined ? 8 : 0) |
    (metadata !== undefined ? 16 : 0) |
    (createdAt !== undefined ? 32 : 0);
  return {
    present,
    values: [
      textArgument(id, 'id'),
      textArgument(subject, 'subject'),
      textArgument(endpointHash, 'endpointHash'),
      nullable(textArgument, sender, 'sender'),
      status === undefined ? 'pending' : statusArgument(status, 'status'),
      expiresAt === undefined || expiresAt === null ? null : instant(expiresAt, 'expiresAt'),
      nullable(proseArgument, payload, 'payload'),
      nullable(proseArgument, metadata, 'metadata'),
      createdAt === undefined ? now() : instant(createdAt, 'createdAt'),
    ],
  };
}

function nullable(argument: (value: unknown, name: string) => string, value: unknown, name: string): string | null {
  return value === undefined || value === null ? null : argument(value, name);
}

/** The message of a stored row. */
export function messageOf(row: RelayIndexRow): RelayMessage {
  const message: RelayMessage = {
    id: row.id,
    subject: row.subject,
    endpointHash: row.endpointHash,
    status: row.status,
    createdAt: row.createdAt,
    expiresAt: row.expiresAt,
  };
  if (row.sender !== null) message.sender = row.sender;
  if (row.payload !== null) message.payload = row.payload;
  if (row.metadata !== null) message.metadata = row.metadata;
  return message;
}

const OLDER_STATUS: Readonly<Record<string, RelayMessageStatus>> = { new: 'pending', cur: 'delivered' };

/** What a filter may say, older words too. */
const statusFilter = () =>
  letThrough(
    v.pipe(
      filterByWord([...MESSAGE_STATUSES, 'new', 'cur']),
      v.transform((status) => OLDER_STATUS[status] ?? (status as RelayMessageStatus | '')),
    ),
    fitsAsItIs(messageStatus),
  );

/** @internal */
export const queryMessagesOptions = optionsOf(() => ({
  subject: v.optional(text),
  status: v.optional(statusFilter()),
  sender: v.optional(text),
  endpointHash: v.optional(text),
  cursor: v.optional(text),
  limit: v.optional(wholeNumber, 50),
}));
