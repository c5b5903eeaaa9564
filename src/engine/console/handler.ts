import type { Schema } from '../connection/db.ts';
import type { DefinedDb } from '../define-db.ts';
import { InvalidInputError } from '../errors.ts';
import { Streams } from './events.ts';
import { failureOf } from './failure.ts';
import { type GateOptions, gate, HEADERS, plain } from './gate.ts';
import { PAGE } from './page.ts';
import { Source } from './source.ts';
import type { View } from './view.ts';

/** Options for `handlerOf()`. */
export interface HandlerOptions extends GateOptions {
  readonly kit: DefinedDb<Schema>;
  /** The database file, absolute. */
  readonly filename: string;
  readonly views: readonly View[];
}

/** Answers the requests of a console. */
export interface Handler {
  handle(request: Request): Promise<Response>;
  /** Ends open pages and closes the file. */
  close(): void;
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
};

/** Returns the handler of a console. It reads the file through its own read-only connection. */
export function handlerOf(options: HandlerOptions): Handler {
  const { kit, filename, base } = options;
  const views = new Map(options.views.map((view) => [view.name, view]));
  const source = new Source(kit, filename);
  const streams = new Streams();

  const read = async (view: View, params: Record<string, string>): Promise<string> => {
    try {
      const blocks = await view.read({ db: source.open(), kit, filename, params });
      if (!Array.isArray(blocks))
        throw new InvalidInputError(`The result of the view ${view.name}`, 'must be an array');
      return JSON.stringify(blocks, withEveryDigit);
    } catch (error) {
      // The file at the path may be replaced before the next read.
      source.close();
      return JSON.stringify([failureOf(error, filename)]);
    }
  };

  const routes: Record<string, (url: URL) => Response | Promise<Response>> = {
    '': () => asset('page.html'),
    ...Object.fromEntries(Object.keys(PAGE).map((name) => [name, () => asset(name as keyof typeof PAGE)])),
    views: () => {
      const list = options.views.map(({ name, title, everyMs }) => ({ name, title, everyMs }));
      return json(JSON.stringify({ name: kit.definition.name, filename, views: list }));
    },
    view: async (url) => {
      const [view, params] = asked(url);
      return view ? json(await read(view, params)) : plain(404, 'There is no such view.');
    },
    events: (url) => {
      const [view, params] = asked(url);
      if (!view) return plain(404, 'There is no such view.');
      return (
        streams.open(() => read(view, params), view.isOnce?.(params) ? null : view.everyMs) ??
        plain(503, 'Too many pages are open.', { 'retry-after': '5' })
      );
    },
  };

  function asked(url: URL): [view: View | undefined, params: Record<string, string>] {
    const { view = '', ...params } = Object.fromEntries(url.searchParams);
    return [views.get(view), params];
  }

  return {
    async handle(request) {
      const url = new URL(request.url);
      const answer = gate(request, url, options);
      if (answer) return answer;
      const name = url.pathname.startsWith(base) ? url.pathname.slice(base.length) : undefined;
      const route = name !== undefined && Object.hasOwn(routes, name) ? routes[name] : undefined;
      const found = await (route ? route(url) : plain(404, 'There is nothing here.'));
      return request.method === 'HEAD' ? withoutBody(found) : found;
    },
    close() {
      streams.endAll();
      source.close();
    },
  };
}

/** Returns an integer beyond 2^53 as text, which JSON.stringify cannot write. */
function withEveryDigit(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function asset(name: keyof typeof PAGE): Response {
  return new Response(PAGE[name], { headers: { ...HEADERS, 'content-type': TYPES[name.split('.')[1] ?? ''] ?? '' } });
}

/** Removes the body and ends it: an unread stream would stay open. */
async function withoutBody(answer: Response): Promise<Response> {
  await answer.body?.cancel();
  return new Response(null, { status: answer.status, headers: answer.headers });
}

function json(text: string): Response {
  return new Response(text, {
    headers: { ...HEADERS, 'content-type': 'application/json; charset=utf-8' },
  });
}
