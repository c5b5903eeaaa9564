import { asc, eq, lt, sql } from 'drizzle-orm/sql';
import * as v from 'valibot';
import type { StoreDb } from '../../engine/connection/db.ts';
import { instantOrMillis, optionsOf, textArgument } from '../../engine/input.ts';
import { instant } from '../../engine/time.ts';
import { newId } from '../../stores/ids.ts';
import { PatchStatements } from '../../stores/patch.ts';
import { columnsOf, statementsOf } from '../../stores/statements.ts';
import { relayTraces } from './schema.ts';
import {
  SPAN_COLUMNS,
  spanFields,
  spanValues,
  type TraceSpan,
  type TraceSpanInput,
  type TraceSpanPatch,
} from './span.ts';
import { type MeasuredMetrics, metricsStatement, type TraceMetrics } from './span-metrics.ts';

/** What {@link TraceStore.getMetrics} takes. */
export interface TraceMetricsOptions {
  /** Spans sent at this instant or later: ISO 8601 with a time zone, or Unix milliseconds. Default: every span. */
  since?: string | number;
}

const metricsOptions = optionsOf(() => ({ since: v.optional(instantOrMillis()) }));

/**
 * Spans in the style of OpenTelemetry: what became of each message and of the messages that followed from it, and what
 * happened to the adapters (`kind: 'lifecycle'`).
 *
 * Every call is synchronous and one statement. An id that is not there gives null or false.
 *
 * @throws InvalidInputError from every method for an argument that cannot be; nothing is written.
 * @throws DatabaseBusyError where another connection kept the lock, ClosedError after `closeDb()`.
 *
 * @example
 * ```ts
 * const traces = new TraceStore(db);
 * traces.insertSpan({ messageId: 'm', traceId: 't', subject: 'relay.agent.a', sentAt: Date.now() });
 * traces.updateSpan('m', { status: 'delivered', deliveredAt: Date.now() });
 * const { p95DeliveryLatencyMs } = traces.getMetrics({ since: Date.now() - 3_600_000 });
 * ```
 */
export class TraceStore {
  readonly #spans: ReturnType<typeof spanStatements>;

  constructor(db: StoreDb) {
    this.#spans = spanStatements(db);
  }

  /**
   * Stores the span of a message, in place of the one that it had: of that only the row's `id` stays.
   *
   * @throws InvalidInputError that names the field.
   */
  insertSpan(span: TraceSpanInput): void {
    this.#spans.insert.run(newId(), ...spanValues(span));
  }

  /**
   * Changes some fields of a message's span. A patch without fields changes nothing.
   *
   * @returns Whether there is such a span.
   * @throws InvalidInputError that names the field.
   */
  updateSpan(messageId: string, patch: TraceSpanPatch): boolean {
    const key = textArgument(messageId, 'messageId');
    const { statement, values } = this.#spans.patch.for(patch);
    if (!statement) return this.#spans.byMessageId.get(key) !== undefined;
    values.push(key);
    return statement.runWith(values).changes > 0;
  }

  /** The span of a message. */
  getSpanByMessageId(messageId: string): TraceSpan | null {
    return this.#spans.byMessageId.get(textArgument(messageId, 'messageId')) ?? null;
  }

  /** The spans of a trace in the order they were sent, those of one millisecond as they were stored. */
  getTrace(traceId: string): TraceSpan[] {
    return this.#spans.byTraceId.all(textArgument(traceId, 'traceId'));
  }

  /**
   * Deletes the spans that were sent before an instant.
   *
   * @param iso ISO 8601 with a time zone.
   * @returns How many those were.
   */
  deleteOlderThan(iso: string): number {
    return this.#spans.deleteOlderThan.run(instant(iso, 'iso')).changes;
  }

  /** Returns what became of the messages of a window, read from an index alone. Spans of the kind `lifecycle` do not count. */
  getMetrics(options: TraceMetricsOptions = {}): TraceMetrics {
    const { since } = metricsOptions(options);
    const measured = this.#spans.metrics.get(since ?? '') as MeasuredMetrics;
    return {
      ...measured,
      budgetRejections: { hopLimit: 0, ttlExpired: 0, cycleDetected: 0, budgetExhausted: 0 },
    };
  }

  /** Does nothing: the database is closed by whoever opened it. */
  close(): void {}
}

const statement = statementsOf('relay');
const arg = sql.placeholder;

function spanStatements(db: StoreDb) {
  const span = columnsOf(relayTraces);
  const isMessage = eq(relayTraces.messageId, arg('messageId'));
  return {
    byMessageId: statement<TraceSpan>(db, () => db.select(span).from(relayTraces).where(isMessage), 'messageId'),
    byTraceId: statement<TraceSpan>(
      db,
      () =>
        db
          .select(span)
          .from(relayTraces)
          .where(eq(relayTraces.traceId, arg('traceId')))
          .orderBy(asc(relayTraces.sentAt), sql`rowid`),
      'traceId',
    ),
    insert: statement(
      db,
      () =>
        db
          .insert(relayTraces)
          .values({
            id: arg('id'),
            messageId: arg('messageId'),
            traceId: arg('traceId'),
            subject: arg('subject'),
            spanId: arg('spanId'),
            parentSpanId: arg('parentSpanId'),
            fromEndpoint: arg('fromEndpoint'),
            toEndpoint: arg('toEndpoint'),
            status: sql`${arg('status')}`,
            kind: sql`${arg('kind')}`,
            budgetHopsUsed: arg('budgetHopsUsed'),
            budgetTtlRemainingMs: arg('budgetTtlRemainingMs'),
            sentAt: arg('sentAt'),
            deliveredAt: arg('deliveredAt'),
            processedAt: arg('processedAt'),
            errorMessage: arg('errorMessage'),
            metadata: arg('metadata'),
          })
          .onConflictDoUpdate({
            target: relayTraces.messageId,
            set: Object.fromEntries(
              SPAN_COLUMNS.filter((name) => name !== 'messageId').map((name) => [
                name,
                sql`excluded.${sql.identifier(relayTraces[name].name)}`,
              ]),
            ),
          }),
      'id',
      ...SPAN_COLUMNS,
    ),
    patch: new PatchStatements<TraceSpan>(spanFields(), ({ error, ...set }, names) =>
      statement<TraceSpan>(
        db,
        () =>
          db
            .update(relayTraces)
            .set({ ...set, errorMessage: error })
            .where(isMessage),
        ...names,
        'messageId',
      ),
    ),
    deleteOlderThan: statement(
      db,
      () => db.delete(relayTraces).where(lt(relayTraces.sentAt, arg('instant'))),
      'instant',
    ),
    metrics: metricsStatement(db),
  };
}
