import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Schema } from '../connection/db.ts';
import type { DefinedDb } from '../define-db.ts';
import { type Handler, handlerOf } from './handler.ts';
import { answer } from './node-http.ts';
import type { View } from './view.ts';

/** Options of `serveConsole()`. */
export interface ServeOptions {
  readonly kit: DefinedDb<Schema>;
  readonly filename: string;
  readonly views: readonly View[];
  /** Default 0: any free port. */
  readonly port?: number;
}

/** A running console. */
export interface ServedConsole extends AsyncDisposable {
  /** The address with its token. */
  readonly address: string;
  readonly port: number;
}

/** The loopback address: only this machine can connect. */
const HOST = '127.0.0.1';

const REQUEST_MS = 10_000;

/**
 * Serves a console on this machine until it is disposed of. The address has two secrets: the token, which becomes a
 * cookie, and the path. A browser sends a cookie of this machine to all of its ports, but only to the cookie's path.
 *
 * @throws Error `EADDRINUSE` if the port is taken.
 */
export async function serveConsole({ kit, filename, views, port = 0 }: ServeOptions): Promise<ServedConsole> {
  const token = randomBytes(32).toString('base64url');
  const base = `/${randomBytes(9).toString('base64url')}/`;
  let handler: Handler | undefined;
  // Loaded only here: it takes many milliseconds, which other commands need not pay.
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => {
    const { port: own } = server.address() as AddressInfo;
    handler ??= handlerOf({
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
  // A request has no body, so its headers arrive at once.
  server.headersTimeout = REQUEST_MS;
  server.requestTimeout = REQUEST_MS;
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
