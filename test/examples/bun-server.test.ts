/** The server of examples/bun-server as its users run it: in a process of its own, spoken to over HTTP. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { createDb } from '#entry';
import { assertBuilt } from '../support/built.ts';
import { temporaryFolder } from '../support/folder.ts';
import { load } from './load.ts';
import { ServerProcess } from './server-process.ts';

const PER_SECOND = 1000;
const SECONDS = 5;

describe('examples/bun-server', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let server: ServerProcess;

  before(async () => {
    assertBuilt();
    folder = temporaryFolder();
    server = await ServerProcess.start(folder.path);
  });

  after(async () => {
    await server[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  it('keeps schedules and their runs', async () => {
    const { id } = await server.json('POST', '/schedules', { name: 'Report', prompt: 'Write', cron: '0 9 * * *' });
    const [schedule] = await server.json<{ nextRun: string }[]>('GET', '/schedules');
    assert.match(schedule?.nextRun ?? '', /T09:00:00\.000Z$/);
    const run = await server.json('POST', `/schedules/${id}/runs`);
    const patched = await server.json('PATCH', `/runs/${run.id}`, { status: 'completed' });
    assert.equal(patched.status, 'completed');
    assert.equal((await server.json<unknown[]>('GET', `/runs?scheduleId=${id}&limit=10`)).length, 1);
    assert.equal((await server.request('DELETE', `/schedules/${id}`)).status, 204);
    assert.equal((await server.request('GET', `/runs/${run.id}`)).status, 404);
  });

  it('keeps messages and their traces', async () => {
    const message = { id: 'm', subject: 'relay.agent.a', endpointHash: 'a' };
    assert.equal((await server.json('POST', '/messages', message)).status, 'pending');
    const { messages } = await server.json<{ messages: unknown[] }>('GET', '/messages?endpointHash=a&status=pending');
    assert.equal(messages.length, 1);
    const sentAt = Date.now();
    await server.json('POST', '/traces', { messageId: 'm', traceId: 't', subject: message.subject, sentAt });
    const delivered = { status: 'delivered', deliveredAt: sentAt + 12 };
    assert.equal((await server.request('PATCH', '/traces/m', delivered)).status, 204);
    assert.equal((await server.json<unknown[]>('GET', '/traces/t')).length, 1);
    assert.equal((await server.json('GET', '/traces/metrics')).p95DeliveryLatencyMs, 12);
    assert.equal((await server.json('GET', '/messages/metrics')).totalMessages, 1);
  });

  it('keeps agents, their denials and their budgets', async () => {
    const agent = { id: 'a', name: 'backend', runtime: 'codex', registeredAt: Date.now(), registeredBy: 'test' };
    const budget = { maxHopsPerMessage: 5, maxCallsPerHour: 1 };
    await server.json('POST', '/agents', { ...agent, budget, projectPath: '/projects/backend' });
    assert.equal((await server.request('POST', '/agents/a/calls')).status, 200);
    assert.equal((await server.request('POST', '/agents/a/calls')).status, 429);
    assert.equal((await server.json('GET', '/agents/a')).healthStatus, 'active');
    assert.equal((await server.request('POST', '/denials', { path: '/projects/no' })).status, 204);
    assert.equal((await server.request('POST', '/agents', { ...agent, projectPath: '/projects/no' })).status, 403);
    const again = await server.request('POST', '/agents', { ...agent, projectPath: '/projects/else' });
    assert.equal(again.status, 409);
  });

  it('says what is wrong with a request, by the name of the field', async () => {
    const refused = await server.request('POST', '/schedules', { name: 'Report', prompt: 'Write', cron: 'never' });
    assert.equal(refused.status, 400);
    const { error } = (await refused.json()) as { error: { code: string; message: string } };
    assert.equal(error.code, 'INVALID_INPUT');
    assert.match(error.message, /^cron /);
    assert.equal((await server.request('GET', '/runs?limit=-1')).status, 400);
    assert.equal((await server.request('GET', '/nowhere')).status, 404);
    const broken = await fetch(`${server.url}/schedules`, { method: 'POST', body: '{' });
    assert.equal(broken.status, 400);
  });

  it(`answers ${PER_SECOND} requests a second for ${SECONDS} seconds without an error`, {
    timeout: 30_000,
  }, async (context) => {
    const schedule = await server.json('POST', '/schedules', { name: 'Load', prompt: 'Write', cron: '* * * * *' });
    const requests: ((i: number) => Promise<Response>)[] = [
      (i) => server.request('POST', '/messages', { id: `load-${i}`, subject: 'relay.load', endpointHash: 'load' }),
      (i) => server.request('POST', '/traces', { messageId: `load-${i}`, traceId: 'load', subject: 'relay.load' }),
      () => server.request('GET', '/messages?endpointHash=load&limit=20'),
      () => server.request('POST', `/schedules/${schedule.id}/runs`),
      () => server.request('GET', '/runs?limit=20'),
      () => server.request('GET', '/schedules'),
      () => server.request('GET', '/agents'),
      () => server.request('GET', '/traces/metrics'),
    ];
    const report = await load((i) => (requests[i % requests.length] as (i: number) => Promise<Response>)(i), {
      perSecond: PER_SECOND,
      seconds: SECONDS,
    });
    const { errors, perSecond, p50Ms, p99Ms } = report;
    context.diagnostic?.(`${Math.round(perSecond)}/s, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`);
    assert.deepEqual(errors, []);
    assert.ok(perSecond > PER_SECOND * 0.8, `${perSecond} a second`);
    const metrics = await server.json<{ totalMessages: number }>('GET', '/messages/metrics');
    assert.equal(metrics.totalMessages, 1 + (PER_SECOND * SECONDS) / requests.length);
  });

  it('tells its health and its metrics', async () => {
    const health = await server.json('GET', '/health');
    assert.notEqual(health.severity, 'error');
    const metrics = await (await server.request('GET', '/metrics')).text();
    assert.match(metrics, /^# TYPE dork_db_commits_total counter$/m);
    const commits = Number(/^dork_db_commits_total\{.*\} (\d+)$/m.exec(metrics)?.[1]);
    assert.ok(commits > 100, `${commits} commits`);
  });

  it('ends at SIGTERM: what was answered is in the file, and no -wal is left', async () => {
    const home = folder.file('short');
    mkdirSync(home);
    await using other = await ServerProcess.start(home);
    const answered: string[] = [];
    const writing = Array.from({ length: 200 }, async (_, i) => {
      const response = await other.request('POST', '/messages', { id: `${i}`, subject: 's', endpointHash: 'h' });
      if (response.status === 201) answered.push(`${i}`);
    });
    await writing[0];
    assert.equal(await other.end('SIGTERM'), 0, other.output);
    await Promise.allSettled(writing);
    assert.equal(existsSync(`${home}/dork.db-wal`), false);
    using db = createDb(`${home}/dork.db`, { readonly: true });
    const stored = db.$client.prepare<{ id: string }>('SELECT id FROM relay_index').all();
    const ids = new Set(stored.map(({ id }) => id));
    assert.deepEqual(
      answered.filter((id) => !ids.has(id)),
      [],
    );
  });
});
