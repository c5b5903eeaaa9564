import { createHash, timingSafeEqual } from 'node:crypto';

/** What lets a request in. */
export interface GateOptions {
  /** The secret of the address. */
  readonly token: string;
  /** The values of the Host header that are answered, e.g. `127.0.0.1:4711`. A name that was rebound is none of them. */
  readonly hosts: readonly string[];
  /** The path that everything is below, with a slash at both ends. */
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

/** Returns an answer of text that says nothing of the database. */
export function plain(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${text}\n`, {
    status,
    headers: { ...HEADERS, 'content-type': 'text/plain; charset=utf-8', ...headers },
  });
}

/**
 * Returns the answer to a request that is not let in, or that only brings the token; undefined if it may be answered.
 * Whoever has not the token learns nothing, not even whether a path exists.
 */
export function gate(request: Request, url: URL, options: GateOptions): Response | undefined {
  const header = (name: string) => request.headers.get(name);
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return plain(405, 'The console only reads.', { allow: 'GET, HEAD' });
  const host = header('host') ?? '';
  if (!options.hosts.includes(host)) return plain(403, 'This host name is not served.');
  const origin = header('origin');
  if (origin !== null && origin !== `http://${host}`) return plain(403, 'Another origin asks.');
  const token = url.pathname === options.base ? url.searchParams.get('token') : null;
  const site = header('sec-fetch-site') ?? 'none';
  const isNavigation = header('sec-fetch-mode') === 'navigate' && header('sec-fetch-dest') === 'document';
  if (site !== 'none' && site !== 'same-origin' && !(token !== null && isNavigation))
    return plain(403, 'Another site asks.');
  if (token !== null) return isSame(token, options.token) ? letIn(options) : refused();
  const cookies = (header('cookie') ?? '').split(/;\s*/);
  const isKnown = cookies.some((each) => {
    const at = each.indexOf('=');
    return each.slice(0, at) === options.cookie && isSame(each.slice(at + 1), options.token);
  });
  return isKnown ? undefined : refused();
}

function refused(): Response {
  return plain(401, 'Open the address that the command printed: it has the token.');
}

/**
 * The token leaves the address for a cookie. A page that goes on by itself, and no redirection: a browser would not send
 * a SameSite=Strict cookie along if the address was opened from another site.
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

/** Takes as long for a wrong token as for a right one. */
function isSame(given: string, token: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(token));
}
