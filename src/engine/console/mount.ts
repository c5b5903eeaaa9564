import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Schema } from '../connection/db.ts';
import type { DefinedDb } from '../define-db.ts';
import { givenOrDefault, isDefined } from '../definition.ts';
import { InvalidInputError } from '../errors.ts';
import { realFile } from '../file/file.ts';
import { isThere } from '../file/fs.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import { handlerOf } from './handler.ts';
import type { ReadMetrics } from './metrics.ts';
import { answer } from './node-http.ts';
import { type View, viewsArgument } from './view.ts';
import { engineViews } from './views.ts';

/** Options of `consoleHandler()`. */
export interface ConsoleHandlerOptions<TSchema extends Schema = Schema> {
  /**
   * The accepted values of the Host header, e.g. `['127.0.0.1:4242', 'localhost:4242']`. Requests for any other host name
   * are refused, because another site can point its own host name at this machine (DNS rebinding).
   */
  readonly hosts: readonly string[];
  /** The path of the console, with a slash at both ends. Default `/console/`. */
  readonly base?: string;
  /** The secret in the address, at least 32 characters. Default: a new random secret. */
  readonly token?: string;
  /** The result of `defineDb()`. Default: the entry's own database. */
  readonly database?: DefinedDb<TSchema>;
  /** The database file. Default: the definition's default path. */
  readonly file?: string;
  /** Views between *Now* and *File*. Default: the views of the entry's own database, or none if `database` is given. */
  readonly views?: readonly View[];
  /** Returns the metrics of the server's own connection, e.g. `() => prometheusText(watch.sample())`. Default: no metrics. */
  readonly metrics?: ReadMetrics;
}

/** A console inside a program's own server. */
export interface ConsoleHandler extends Disposable {
  /** The path with the token, to complete the address that a person opens. */
  readonly path: string;
  /** Answers a request, e.g. from Bun’s server or Hono. Never throws. */
  readonly handle: (request: Request) => Promise<Response>;
  /** Answers a request of `node:http`. */
  readonly listener: (request: IncomingMessage, response: ServerResponse) => void;
  /** Ends open pages and closes the file. */
  close(): void;
}

/**
 * Returns a console to mount in a program's own server. It reads the file through its own read-only connection, which is
 * open only while a page is open. A person needs the token to open it. It writes nothing and logs nothing.
 *
 * @throws InvalidInputError for an invalid option.
 */
export type CreateConsoleHandler = <TSchema extends Schema>(options: ConsoleHandlerOptions<TSchema>) => ConsoleHandler;

const OPTIONS: OptionNames<ConsoleHandlerOptions> = {
  hosts: true,
  base: true,
  token: true,
  database: true,
  file: true,
  views: true,
  metrics: true,
};

const BASE = /^\/(?:[\w.~-]+\/)*$/;
const TOKEN = /^[\w.~-]{32,}$/;
const HOST = /^[\w.:[\]-]+$/;

/** Returns `consoleHandler()` for a default database and its views. */
export function consoleHandlerFor<TSchema extends Schema>(
  own: DefinedDb<TSchema>,
  ownViews: readonly View[],
): CreateConsoleHandler {
  return (options) => {
    optionsArgument(options, OPTIONS);
    const { hosts, base = '/console/', token = randomBytes(32).toString('base64url'), metrics } = options;
    if (!Array.isArray(hosts) || hosts.length === 0 || !hosts.every((host) => isText(host, HOST)))
      throw new InvalidInputError('options.hosts', 'must be host names with their ports, such as 127.0.0.1:4242');
    if (!isText(base, BASE)) throw new InvalidInputError('options.base', 'must be a path such as /console/');
    if (!isText(token, TOKEN))
      throw new InvalidInputError(
        'options.token',
        'must have at least 32 characters, each a letter, a digit or one of -._~',
      );
    if (metrics !== undefined && typeof metrics !== 'function')
      throw new InvalidInputError('options.metrics', 'must be a function');
    const { database, views = database ? [] : ownViews } = options;
    if (database !== undefined && !isDefined(database))
      throw new InvalidInputError('options.database', 'must be the result of defineDb()');
    viewsArgument(views, 'options.views');
    // The views do not use the schema.
    const kit = (database ?? own) as unknown as DefinedDb<Schema>;
    const given = givenOrDefault(kit.definition, options.file, 'options.file');
    const handler = handlerOf({
      kit,
      filename: isThere(given) ? realFile(given) : given,
      views: engineViews(views, metrics),
      token,
      base,
      // A browser sends a cookie of this machine to its other ports too.
      cookie: `console-${createHash('sha256').update(token).digest('hex').slice(0, 8)}`,
      hosts,
    });
    return {
      path: `${base}?token=${token}`,
      handle: handler.handle,
      listener: (request, response) => void answer(handler, request, response),
      close: handler.close,
      [Symbol.dispose]: handler.close,
    };
  };
}

function isText(value: unknown, form: RegExp): boolean {
  return typeof value === 'string' && form.test(value);
}
