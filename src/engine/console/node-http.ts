import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Handler } from './handler.ts';

/** Answers a request of node:http with the handler. */
export async function answer(handler: Handler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const given = await handler.handle(toRequest(request));
    response.writeHead(given.status, Object.fromEntries(given.headers));
    const reader = given.body?.getReader();
    const closed = once(response, 'close').catch(() => {});
    void closed.then(() => reader?.cancel().catch(() => {}));
    if (response.destroyed) await reader?.cancel();
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done) break;
      // Waits until the client has read: nothing is buffered for a slow client.
      if (!response.write(value)) await Promise.race([once(response, 'drain').catch(() => {}), closed]);
    }
    response.end();
  } catch {
    // The response repeats nothing of the request, which may hold a token or a row's content.
    if (!response.headersSent) response.writeHead(400, { 'content-type': 'text/plain' });
    response.end();
  }
}

/** Converts a request. The URL's host is not used: the gate checks the Host header. */
function toRequest(request: IncomingMessage): Request {
  const headers = new Headers();
  for (const name of ['host', 'origin', 'cookie', 'sec-fetch-site', 'sec-fetch-mode', 'sec-fetch-dest']) {
    const value = request.headers[name];
    if (typeof value === 'string') headers.set(name, value);
  }
  // A body is never read. The Request constructor refuses some methods, e.g. TRACE.
  const method = request.method === 'GET' || request.method === 'HEAD' ? request.method : 'POST';
  return new Request(new URL(`http://localhost${request.url ?? '/'}`).href, { method, headers });
}
