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

/** The status of a message by its folder: `new/` is `pending`, `cur/` is `delivered`, `failed/` is `failed`. */
export type RelayMessageStatus = (typeof MESSAGE_STATUSES)[number];

/** A message at an endpoint in the index. */
export interface RelayMessage {
  /** Any text: the name of its file. A message that reached several endpoints has one row per endpoint, with the same id. */
  id: string;
  subject: string;
  endpointHash: string;
  status: RelayMessageStatus;
  /** ISO 8601 in UTC. */
  createdAt: string;
  /** ISO 8601 in UTC. Null: the message never expires. */
  expiresAt: string | null;
  /** Absent if the message has no sender. */
  sender?: string;
  /** Absent if the message has no payload. */
  payload?: string;
  /** Absent if the message has no metadata. */
  metadata?: string;
}

/**
 * A message to index. If the index has the id at this endpoint, an absent (or undefined) field keeps its value, and null
 * clears a nullable field. Instants are ISO 8601 text with a time zone, or Unix milliseconds.
 */
export interface RelayMessageInput {
  id: string;
  subject: string;
  endpointHash: string;
  /** Default for a new message: `pending`. */
  status?: RelayMessageStatus;
  /** Default for a new message: now. */
  createdAt?: string | number;
  expiresAt?: string | number | null;
  /** The sender, by which the rate limiter counts. A message without a sender is never counted. */
  sender?: string | null;
  payload?: string | null;
  metadata?: string | null;
}

/** Which messages to list. A message must match every given filter. An empty text does not filter. */
export interface QueryMessagesOptions {
  subject?: string;
  /** A {@link RelayMessageStatus}, or the older `new` (pending) and `cur` (delivered). */
  status?: string;
  sender?: string;
  endpointHash?: string;
  /**
   * The `nextCursor` of the previous page, or an id: the page begins after it, with lesser ids. Default: from the greatest id.
   */
  cursor?: string;
  /** The most messages of the page; 0 gives an empty page. Default 50. */
  limit?: number;
}

/** A page of messages by id descending, then by endpoint descending. */
export interface RelayMessagePage {
  messages: RelayMessage[];
  /**
   * The cursor of the next page; absent on the last page. It is the id of the last message or, if that message has more
   * rows, a JSON array of its id and its endpoint.
   */
  nextCursor?: string;
}

/** Numbers of messages. A message that reached several endpoints counts once per endpoint. */
export interface RelayIndexMetrics {
  totalMessages: number;
  /** Statuses without messages are left out. */
  byStatus: Partial<Record<RelayMessageStatus, number>>;
  /** By count descending, then by subject. */
  bySubject: { subject: string; count: number }[];
}

/** The columns that an input may leave out, in the order of the bits of {@link StoredMessage.present}. */
export const OPTIONAL_COLUMNS = ['sender', 'status', 'expiresAt', 'payload', 'metadata', 'createdAt'] as const;

/** An input, checked and converted to column values. */
export interface StoredMessage {
  /** The optional columns of the input, one bit each. */
  readonly present: number;
  /** id, subject, endpoint hash and the optional columns, with the defaults of a new message. */
  readonly values: unknown[];
}

const messageStatus = oneOfWords(MESSAGE_STATUSES);

/** Checks a status. A valid status does not need the schema, which is slower. */
export function statusArgument(value: unknown, name: string): RelayMessageStatus {
  return value === 'pending' || value === 'delivered' || value === 'failed'
    ? value
    : checked(messageStatus, value, name);
}

/** @throws InvalidInputError that names the first invalid field. */
export function storedMessage(message: RelayMessageInput): StoredMessage {
  if (typeof message !== 'object' || message === null) throw new InvalidInputError('message', 'must be an object');
  try {
    return stored(message);
  } catch (cause) {
    if (cause instanceof InvalidInputError) throw cause;
    throw new InvalidInputError('message', 'must have readable fields', { cause });
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

/** Converts a row to a message. */
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

/** The values of the status filter, including the older names. */
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
