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

const REQUEST_MS = 10_000;

/**
 * Serves a console on this machine until it is disposed of. The address has two secrets: the token, which becomes a
 * cookie, and the path, since a browser sends a cookie of this machine to its other ports too, but not to other paths.
 *
 * @throws Error `EADDRINUSE` if the port is taken.
 */
export async function serveConsole({ kit, filename, views, port = 0 }: ServeOptions): Promise<ServedConsole> {
  const token = randomBytes(32).toString('base64url');
  const base = `/${randomBytes(9).toString('base64url')}/`;
  let handler: Handler | undefined;
  // Loading it takes many milliseconds, which no other command is to pay for.
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
  // A request has no body, and comes at once.
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
