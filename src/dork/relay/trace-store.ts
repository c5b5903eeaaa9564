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

/** Options for {@link TraceStore.getMetrics}. */
export interface TraceMetricsOptions {
  /** Count only spans sent at this instant or later: ISO 8601 with a time zone, or Unix milliseconds. Default: all spans. */
  since?: string | number;
}

const metricsOptions = optionsOf(() => ({ since: v.optional(instantOrMillis()) }));

/**
 * Stores spans in the style of OpenTelemetry: the outcome of each message and of the messages that followed from it, and
 * the events of adapters (`kind: 'lifecycle'`).
 *
 * Every method is synchronous and runs one statement. For an unknown id, methods return null or false.
 *
 * @throws InvalidInputError from every method for an invalid argument; nothing is written.
 * @throws DatabaseBusyError if another connection keeps the lock. ClosedError after `closeDb()`.
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
   * Stores the span of a message. It replaces an earlier span of the message, and keeps only that row's `id`.
   *
   * @throws InvalidInputError that names the field.
   */
  insertSpan(span: TraceSpanInput): void {
    this.#spans.insert.run(newId(), ...spanValues(span));
  }

  /**
   * Changes some fields of a message's span. A patch without fields changes nothing.
   *
   * @returns True if the message has a span.
   * @throws InvalidInputError that names the field.
   */
  updateSpan(messageId: string, patch: TraceSpanPatch): boolean {
    const key = textArgument(messageId, 'messageId');
    const { statement, values } = this.#spans.patch.for(patch);
    if (!statement) return this.#spans.byMessageId.get(key) !== undefined;
    values.push(key);
    return statement.runWith(values).changes > 0;
  }

  /** Returns the span of a message, or null. */
  getSpanByMessageId(messageId: string): TraceSpan | null {
    return this.#spans.byMessageId.get(textArgument(messageId, 'messageId')) ?? null;
  }

  /** Returns the spans of a trace by `sentAt`, then in the order in which they were stored. */
  getTrace(traceId: string): TraceSpan[] {
    return this.#spans.byTraceId.all(textArgument(traceId, 'traceId'));
  }

  /**
   * Deletes the spans that were sent before an instant.
   *
   * @param iso ISO 8601 with a time zone.
   * @returns The number of deleted spans.
   */
  deleteOlderThan(iso: string): number {
    return this.#spans.deleteOlderThan.run(instant(iso, 'iso')).changes;
  }

  /** Returns the metrics of a time window, read only from an index. Spans of the kind `lifecycle` are not counted. */
  getMetrics(options: TraceMetricsOptions = {}): TraceMetrics {
    const { since } = metricsOptions(options);
    const measured = this.#spans.metrics.get(since ?? '') as MeasuredMetrics;
    return {
      ...measured,
      budgetRejections: { hopLimit: 0, ttlExpired: 0, cycleDetected: 0, budgetExhausted: 0 },
    };
  }

  /** Does nothing: whoever opened the database closes it. */
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
