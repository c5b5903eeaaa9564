import { endpointOf, instantOf, senderOf, subjectOf } from './fill.ts';

/** A message as it is stored; what is not set is null. */
export interface Row {
  id: string;
  subject: string;
  endpointHash: string;
  status: 'pending' | 'delivered' | 'failed';
  createdAt: string;
  expiresAt: string | null;
  sender: string | null;
  payload: string | null;
  metadata: string | null;
}

/** The message of a row, by hand: what is not set is absent. */
export function messageOf({ id, subject, endpointHash, status, createdAt, expiresAt, sender, payload, metadata }: Row) {
  const message: Partial<Row> = { id, subject, endpointHash, status, createdAt, expiresAt };
  if (sender !== null) message.sender = sender;
  if (payload !== null) message.payload = payload;
  if (metadata !== null) message.metadata = metadata;
  return message;
}

/** A page of 50 of 51 rows: the last one only tells that there is more. */
export function pageOf(rows: Row[]) {
  const messages = rows.slice(0, 50).map(messageOf);
  return rows.length > 50 ? { messages, nextCursor: messages[49]?.id } : { messages };
}

/** The i-th new message; its id comes after those that are there. */
export const newMessage = (i: number) => ({
  id: `01J${String(i).padStart(23, '0')}`,
  subject: subjectOf(i),
  sender: senderOf(i),
  endpointHash: endpointOf(i),
  status: 'pending' as const,
  createdAt: instantOf(i),
  expiresAt: '2099-01-01T00:00:00.000Z',
  payload: '{"text":"the content of a message, about as long as one is"}',
});
