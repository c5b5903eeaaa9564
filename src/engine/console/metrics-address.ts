import type { ReadMetrics } from './metrics.ts';

/** The longest wait for an answer. */
const TIMEOUT_MS = 2000;
/** The most characters of an answer. */
const MOST = 2 ** 20;

/**
 * Returns a function that reads the metrics at an address. It is the only request that the console sends to another
 * program.
 *
 * @throws RangeError for an invalid HTTP address.
 */
export function metricsAt(text: string): ReadMetrics {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new RangeError('It must be an HTTP address such as http://127.0.0.1:4242/metrics.');
  }
  return () => read(url);
}

/** Returns true for a timeout, which Bun and Node name differently. */
function isTimeout({ name }: Error): boolean {
  return name === 'AbortError' || name === 'TimeoutError';
}

/** Gives an error a message: a failure to reach any of several addresses of a host has none. */
function named(error: NodeJS.ErrnoException): Error {
  return error.message === '' ? new Error(error.code) : error;
}

async function read(url: URL): Promise<string> {
  const { get } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'));
  return new Promise((resolve, reject) => {
    const asked = get(url, { headers: { accept: 'text/plain' }, signal: AbortSignal.timeout(TIMEOUT_MS) }, (answer) => {
      if (answer.statusCode !== 200) {
        asked.destroy();
        reject(new Error(`${url.host} answered ${answer.statusCode}`));
        return;
      }
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        body += chunk;
        if (body.length > MOST) asked.destroy(new Error(`${url.host} answered more than ${MOST} characters`));
      });
      answer.on('error', reject);
      answer.on('end', () => resolve(body));
    });
    // Ctrl-C must not wait for an answer.
    asked.on('socket', (socket) => socket.unref());
    asked.on('error', (error: NodeJS.ErrnoException) =>
      reject(isTimeout(error) ? new Error(`${url.host} did not answer in ${TIMEOUT_MS / 1000} s`) : named(error)),
    );
  });
}
