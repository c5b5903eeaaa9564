import type { ReadMetrics } from './metrics.ts';

/** An answer may take so long, and have so many characters. */
const TIMEOUT_MS = 2000;
const MOST = 2 ** 20;

/**
 * Returns how the metrics of an address are read, which a person gave. It is the only thing that the console asks of
 * another program.
 *
 * @throws RangeError if it is no address of HTTP.
 */
export function metricsAt(text: string): ReadMetrics {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new RangeError('It is an address like http://127.0.0.1:4242/metrics.');
  }
  return () => read(url);
}

/** Bun and Node name it differently. */
function isTimeout({ name }: Error): boolean {
  return name === 'AbortError' || name === 'TimeoutError';
}

/** An error of several addresses of one name has no message. */
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
    // Ctrl-C does not wait for an answer.
    asked.on('socket', (socket) => socket.unref());
    asked.on('error', (error: NodeJS.ErrnoException) =>
      reject(isTimeout(error) ? new Error(`${url.host} did not answer in ${TIMEOUT_MS / 1000} s`) : named(error)),
    );
  });
}
