import { ConstraintError, DatabaseBusyError, DorkDbError, InvalidInputError } from '@dorkos/db';

/** The value as JSON, or 404 where a store says null or undefined. */
export function found(value: unknown): Response {
  return value === null || value === undefined ? new Response('Not found', { status: 404 }) : Response.json(value);
}

/** 204 where a store says true, 404 where it says false. */
export function done(isDone: boolean): Response {
  return new Response(null, { status: isDone ? 204 : 404 });
}

/** What a failed request is told: the stable code, the message and the hint, none of which holds a row's content. */
export function failed(error: unknown): Response {
  const isOurs = error instanceof DorkDbError;
  if (!isOurs || statusOf(error) === 500) console.error(error);
  if (error instanceof SyntaxError) return Response.json({ error: 'The body is not JSON.' }, { status: 400 });
  if (!isOurs) return Response.json({ error: 'Internal error' }, { status: 500 });
  const headers = error.retryable ? { 'Retry-After': '1' } : undefined;
  return Response.json({ error: error.toJSON() }, { status: statusOf(error), headers });
}

function statusOf(error: DorkDbError): number {
  if (error instanceof InvalidInputError) return 400;
  if (error instanceof ConstraintError) return 409;
  if (error instanceof DatabaseBusyError) return 503;
  return 500;
}
