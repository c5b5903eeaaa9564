/**
 * A server over dork.db: `PORT=4242 bun examples/bun-server/main.ts`. One `createDb()` at the start, one `closeDb()` at
 * the end; SIGINT and SIGTERM let the requests that are running finish first.
 */
import { closeDb, createDb } from '@dorkos/db';
import { startHousekeeping } from './housekeeping.ts';
import { failed } from './responses.ts';
import { routesOf } from './routes.ts';
import { servicesOf } from './services.ts';

const db = createDb(undefined, { logger: console });
const services = servicesOf(db);
services.pulse.markRunningAsFailed(); // what ran when the last process ended

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.env.PORT ?? 4242),
  routes: routesOf(services),
  fetch: () => new Response('Not found', { status: 404 }),
  error: failed,
});
const housekeeping = startHousekeeping(db);
console.log(`${db.$client.filename} on ${server.url}`);

let isStopping = false;
async function shutDown(): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  await server.stop(); // takes no new connection and waits for the answers that are due
  housekeeping[Symbol.dispose]();
  services.monitor.stop();
  closeDb(db); // moves the -wal into the file
}
process.on('SIGINT', shutDown);
process.on('SIGTERM', shutDown);
