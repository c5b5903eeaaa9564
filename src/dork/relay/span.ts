import * as v from 'valibot';
import { InvalidInputError } from '../../engine/errors.ts';
import {
  checked,
  fitsAsItIs,
  instantOrMillis,
  late,
  letThrough,
  oneOfWords,
  prose,
  proseArgument,
  text,
  textArgument,
} from '../../engine/input.ts';
import { DEEPEST_JSON, depthOfJson } from '../../engine/json-depth.ts';
import { instant, now } from '../../engine/time.ts';
import { type RelayTraceRow, SPAN_KINDS, SPAN_STATUSES } from './schema.ts';

/** The outcome of a message. */
export type TraceSpanStatus = (typeof SPAN_STATUSES)[number];

/** `delivery` of a message, or `lifecycle` of an adapter, which connected, disconnected or failed. */
export type TraceSpanKind = (typeof SPAN_KINDS)[number];

/** A span as it is stored: every column, instants as ISO 8601 in UTC, `metadata` as JSON text. */
export type TraceSpan = RelayTraceRow;

/** A span to store. Instants are ISO 8601 text with a time zone, or Unix milliseconds. */
export interface TraceSpanInput {
  /** A message has one span. */
  messageId: string;
  traceId: string;
  subject: string;
  spanId?: string | null;
  parentSpanId?: string | null;
  fromEndpoint?: string | null;
  toEndpoint?: string | null;
  /** Default `sent`, which older callers name `pending`. */
  status?: TraceSpanStatus | 'pending';
  /** Default `delivery`. Metrics do not count `lifecycle`. */
  kind?: TraceSpanKind;
  budgetHopsUsed?: number | null;
  /** Milliseconds. Negative if the budget was already used up. */
  budgetTtlRemainingMs?: number | null;
  /** Default: now. */
  sentAt?: string | number | null;
  deliveredAt?: string | number | null;
  processedAt?: string | number | null;
  /** Stored as `errorMessage`. */
  error?: string | null;
  /** Stored as JSON text. */
  metadata?: object | null;
}

/** The changes to a span. An undefined field keeps its value; null clears a nullable field. */
export type TraceSpanPatch = Partial<Omit<TraceSpanInput, 'messageId' | 'sentAt'>> & { sentAt?: string | number };

/** The columns of a new span, in the order of {@link spanValues}. */
export const SPAN_COLUMNS = [
  'messageId',
  'traceId',
  'subject',
  'spanId',
  'parentSpanId',
  'fromEndpoint',
  'toEndpoint',
  'status',
  'kind',
  'budgetHopsUsed',
  'budgetTtlRemainingMs',
  'sentAt',
  'deliveredAt',
  'processedAt',
  'errorMessage',
  'metadata',
] as const satisfies readonly (keyof TraceSpan)[];

const spanStatus = late(() =>
  letThrough(
    v.pipe(
      oneOfWords([...SPAN_STATUSES, 'pending']),
      v.transform((status) => (status === 'pending' ? 'sent' : status)),
    ),
    fitsAsItIs(oneOfWords(SPAN_STATUSES)),
  ),
);

const spanKind = late(() => oneOfWords(SPAN_KINDS));

const integer = late(() => v.pipe(v.number('must be a number'), v.safeInteger('must be an integer')));

/** Converts an object or array with `JSON.stringify`: a Date becomes text, NaN becomes null. */
const metadataText = late(() =>
  v.pipe(
    v.custom<object>((value) => typeof value === 'object' && value !== null, 'must be an object'),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const json = jsonOf(dataset.value);
      if (json !== undefined && /^[[{]/.test(json) && depthOfJson(json) <= DEEPEST_JSON) return json;
      addIssue({ message: 'must be convertible to JSON' });
      return NEVER;
    }),
  ),
);

/** Returns the JSON text, or undefined for a value without one, e.g. with a circular reference or a bigint. */
function jsonOf(value: object): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/**
 * The schemas of a patch's fields.
 *
 * @internal
 */
export const spanFields = late(() => ({
  traceId: text,
  subject: text,
  spanId: v.nullable(text),
  parentSpanId: v.nullable(text),
  fromEndpoint: v.nullable(text),
  toEndpoint: v.nullable(text),
  status: spanStatus(),
  kind: spanKind(),
  budgetHopsUsed: v.nullable(integer()),
  budgetTtlRemainingMs: v.nullable(integer()),
  sentAt: instantOrMillis(),
  deliveredAt: v.nullable(instantOrMillis()),
  processedAt: v.nullable(instantOrMillis()),
  error: v.nullable(prose),
  metadata: v.nullable(metadataText()),
}));

/**
 * Returns the values of a new span's columns.
 *
 * @throws InvalidInputError that names the first invalid field.
 */
export function spanValues(span: TraceSpanInput): unknown[] {
  if (typeof span !== 'object' || span === null) throw new InvalidInputError('span', 'must be an object');
  try {
    return [
      textArgument(span.messageId, 'messageId'),
      textArgument(span.traceId, 'traceId'),
      textArgument(span.subject, 'subject'),
      nullable(textArgument, span.spanId, 'spanId'),
      nullable(textArgument, span.parentSpanId, 'parentSpanId'),
      nullable(textArgument, span.fromEndpoint, 'fromEndpoint'),
      nullable(textArgument, span.toEndpoint, 'toEndpoint'),
      span.status === undefined ? 'sent' : checked(spanStatus(), span.status, 'status'),
      span.kind === undefined ? 'delivery' : checked(spanKind(), span.kind, 'kind'),
      nullable(integerArgument, span.budgetHopsUsed, 'budgetHopsUsed'),
      nullable(integerArgument, span.budgetTtlRemainingMs, 'budgetTtlRemainingMs'),
      nullable(instant, span.sentAt, 'sentAt') ?? now(),
      nullable(instant, span.deliveredAt, 'deliveredAt'),
      nullable(instant, span.processedAt, 'processedAt'),
      nullable(proseArgument, span.error, 'error'),
      nullable(metadataArgument, span.metadata, 'metadata'),
    ];
  } catch (cause) {
    if (cause instanceof InvalidInputError) throw cause;
    throw new InvalidInputError('span', 'must have readable fields', { cause });
  }
}

function nullable<T>(argument: (value: unknown, name: string) => T, value: unknown, name: string): T | null {
  return value === undefined || value === null ? null : argument(value, name);
}

function integerArgument(value: unknown, name: string): number {
  return Number.isSafeInteger(value) ? (value as number) : checked(integer(), value, name);
}

function metadataArgument(value: unknown, name: string): string {
  return checked(metadataText(), value, name);
}
