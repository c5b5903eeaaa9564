import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Schema } from '../connection/db.ts';
import type { DefinedDb } from '../define-db.ts';
import { type ConsoleHandler, consoleHandler } from './handler.ts';
import type { View } from './view.ts';

/** Options of `serveConsole()`. */
export interface ServeOptions {
  readonly kit: DefinedDb<Schema>;
  readonly filename: string;
  readonly views: readonly View[];
  /** Default 0: one that is free. */
  readonly port?: number;
}

/** A console that is served. */
export interface ServedConsole extends AsyncDisposable {
  /** The address with its token. */
  readonly address: string;
  readonly port: number;
}

/** Only this machine can reach it. */
const HOST = '127.0.0.1';

/**
 * Serves a console on this machine until it is disposed of. The address has two secrets: the token, which becomes a
 * cookie, and the path, since a browser sends a cookie of this machine to its other ports too, but not to other paths.
 *
 * @throws Error `EADDRINUSE` if the port is taken.
 */
export async function serveConsole({ kit, filename, views, port = 0 }: ServeOptions): Promise<ServedConsole> {
  const token = randomBytes(32).toString('base64url');
  const base = `/${randomBytes(9).toString('base64url')}/`;
  let handler: ConsoleHandler | undefined;
  // Loading it takes many milliseconds, which no other command is to pay for.
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => {
    const { port: own } = server.address() as AddressInfo;
    handler ??= consoleHandler({
      kit,
      filename,
      views,
      token,
      base,
      cookie: `console-${own}`,
      hosts: [`${HOST}:${own}`, `localhost:${own}`],
    });
    void answer(handler, request, response);
  });
  server.maxConnections = 64;
  server.listen(port, HOST);
  await once(server, 'listening');
  const { port: own } = server.address() as AddressInfo;
  return {
    address: `http://${HOST}:${own}${base}?token=${token}`,
    port: own,
    async [Symbol.asyncDispose]() {
      handler?.close();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Hands a request of node:http to the handler, and the answer back. */
async function answer(handler: ConsoleHandler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const given = await handler.handle(toRequest(request));
    response.writeHead(given.status, Object.fromEntries(given.headers));
    if (request.method === 'HEAD' || !given.body) {
      response.end();
      return;
    }
    const reader = given.body.getReader();
    response.on('close', () => void reader.cancel().catch(() => {}));
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      response.write(value);
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
  return new Request(new URL(`http://${HOST}${request.url ?? '/'}`).href, { method, headers });
}
