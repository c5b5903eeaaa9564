import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Handler } from './handler.ts';

/** Hands a request of node:http to the handler, and the answer back. */
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
      // Nothing is kept for whoever does not read.
      if (!response.write(value)) await Promise.race([once(response, 'drain').catch(() => {}), closed]);
    }
    response.end();
  } catch {
    // Nothing of the request is repeated: it may hold a token or a row's content.
    if (!response.headersSent) response.writeHead(400, { 'content-type': 'text/plain' });
    response.end();
  }
}

/** The host of the URL plays no part: the Host header is looked at. */
function toRequest(request: IncomingMessage): Request {
  const headers = new Headers();
  for (const name of ['host', 'origin', 'cookie', 'sec-fetch-site', 'sec-fetch-mode', 'sec-fetch-dest']) {
    const value = request.headers[name];
    if (typeof value === 'string') headers.set(name, value);
  }
  // A body is never read; fetch's Request refuses the method TRACE and the like.
  const method = request.method === 'GET' || request.method === 'HEAD' ? request.method : 'POST';
  return new Request(new URL(`http://localhost${request.url ?? '/'}`).href, { method, headers });
}
