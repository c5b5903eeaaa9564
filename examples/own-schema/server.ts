/**
 * A server over notes.db: `PORT=4243 node examples/own-schema/server.ts`, or `bun …`. The file is opened, and migrated,
 * before the first request; SIGINT and SIGTERM let the requests that are running finish first.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { database } from './database.ts';
import { Notes } from './notes.ts';

const HOUR_MS = 3_600_000;

const db = database.createDb();
const notes = new Notes(db);

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const { status, body } = await answer(`${request.method} ${url.pathname}`, url, request).catch((error: Error) => ({
    status: 500,
    body: { error: error.message },
  }));
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
});

async function answer(route: string, url: URL, request: IncomingMessage): Promise<{ status: number; body: unknown }> {
  if (route === 'POST /notes') return { status: 201, body: { id: notes.add(await json(request)) } };
  if (route === 'GET /notes') return { status: 200, body: notes.search(url.searchParams.get('q') ?? '') };
  if (route === 'GET /health') {
    const { severity, findings } = database.health(db);
    return { status: severity === 'error' ? 503 : 200, body: { severity, findings } };
  }
  return { status: 404, body: { error: 'not found' } };
}

async function json(request: IncomingMessage) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}

/** Makes the backup of this day unless there is one; the server goes on if it fails, and /health says so. */
const backUp = () => database.backupDaily(db).catch(console.error);
const timer = setInterval(backUp, HOUR_MS);
await backUp();

server.listen(Number(process.env.PORT ?? 4243), '127.0.0.1', () => {
  console.log(`${db.$client.filename} on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    clearInterval(timer);
    server.close(() => database.closeDb(db));
    server.closeIdleConnections();
  });
}
