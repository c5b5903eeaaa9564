import { createHash, timingSafeEqual } from 'node:crypto';

/** Options for `gate()`. */
export interface GateOptions {
  /** The secret of the address. */
  readonly token: string;
  /** The accepted values of the Host header, e.g. `127.0.0.1:4711`. Any other is refused, against DNS rebinding. */
  readonly hosts: readonly string[];
  /** The path of the console, with a slash at both ends. */
  readonly base: string;
  /** The name of the cookie. */
  readonly cookie: string;
}

/** Headers of every answer. https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/CSP */
export const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'cache-control': 'no-store',
};

/** Returns a response with plain text, which must hold nothing of the database. */
export function plain(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${text}\n`, {
    status,
    headers: { ...HEADERS, 'content-type': 'text/plain; charset=utf-8', ...headers },
  });
}

/**
 * Returns the response to a refused request or to a request that exchanges the token for a cookie. Returns undefined if
 * the handler may answer the request. A client without the token learns nothing, not even whether a path exists.
 */
export function gate(request: Request, url: URL, options: GateOptions): Response | undefined {
  const header = (name: string) => request.headers.get(name);
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return plain(405, 'The console only reads.', { allow: 'GET, HEAD' });
  const host = header('host') ?? '';
  if (!options.hosts.includes(host)) return plain(403, 'This host name is not served.');
  const origin = header('origin');
  if (origin !== null && origin !== `http://${host}`) return plain(403, 'Requests from another origin are refused.');
  const token = url.pathname === options.base ? url.searchParams.get('token') : null;
  const site = header('sec-fetch-site') ?? 'none';
  const isNavigation = header('sec-fetch-mode') === 'navigate' && header('sec-fetch-dest') === 'document';
  if (site !== 'none' && site !== 'same-origin' && !(token !== null && isNavigation))
    return plain(403, 'Requests from another site are refused.');
  if (token !== null) return isSame(token, options.token) ? letIn(options) : refused();
  const cookies = (header('cookie') ?? '').split(/;\s*/);
  const isKnown = cookies.some((each) => {
    const at = each.indexOf('=');
    return each.slice(0, at) === options.cookie && isSame(each.slice(at + 1), options.token);
  });
  return isKnown ? undefined : refused();
}

function refused(): Response {
  return plain(401, 'The token is missing. Open the address that the command printed.');
}

/**
 * Moves the token from the address into a cookie. The response is a page that refreshes itself, not a redirect: after a
 * redirect a browser does not send a SameSite=Strict cookie if the address was opened from another site.
 */
function letIn({ base, cookie, token }: GateOptions): Response {
  const page = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${base}"><link rel="icon" href="data:,"><title>…</title>`;
  return new Response(page, {
    headers: {
      ...HEADERS,
      'content-type': 'text/html; charset=utf-8',
      'set-cookie': `${cookie}=${token}; Path=${base}; HttpOnly; SameSite=Strict`,
    },
  });
}

/** Compares two tokens in constant time. */
function isSame(given: string, token: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(token));
}
