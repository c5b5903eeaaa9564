/** The console inside a program's own server, on node:http and, on Bun, on Bun.serve(). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { commandLine, createDb, defineDb, InvalidInputError, PulseStore } from '#entry';
import type { Block } from '../../../src/engine/console/blocks.ts';
import type { ConsoleHandler } from '../../../src/engine/console/mount.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { notesHistory, schema } from '../notes.ts';
import { blockOf } from './served.ts';

const { consoleHandler } = await (RUNTIME === 'bun'
  ? import('../../../src/console.ts')
  : import('../../../src/console-node.ts'));

const kit = () => defineDb({ name: 'notes', schema, history: notesHistory(), command: 'notes-db' });
const TOKEN = 'a-token-that-nobody-else-can-guess';

interface Mounted extends AsyncDisposable {
  readonly host: string;
}

type Mount = (handler: () => ConsoleHandler) => Promise<Mounted>;

const onNodeHttp: Mount = async (handler) => {
  const server = createServer((request, response) => {
    if (request.url === '/own') response.end('own');
    else handler().listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
};

const onBunServe: Mount = async (handler) => {
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    routes: { '/own': new Response('own'), '/db/*': (request) => handler().handle(request) },
    fetch: () => new Response('', { status: 404 }),
  });
  return { host: `127.0.0.1:${server.port}`, [Symbol.asyncDispose]: () => server.stop(true) };
};

for (const [name, mount] of Object.entries({ onNodeHttp, ...(RUNTIME === 'bun' && { onBunServe }) }))
  describe(`the console in a server, ${name}, on ${RUNTIME}`, () => {
    it('lets the token in, shows every view next to the server’s own paths, and streams', async () => {
      using folder = temporaryFolder();
      using db = createDb(folder.file('dork.db'));
      new PulseStore(db).createSchedule({ name: 'n', prompt: 'p', cron: '* * * * *' });
      let page: ConsoleHandler | undefined;
      await using server = await mount(() => page as ConsoleHandler);
      page = consoleHandler({ hosts: [server.host], base: '/db/', token: TOKEN, file: folder.file('dork.db') });
      using _ = page;
      const origin = `http://${server.host}`;
      assert.equal(page.path, `/db/?token=${TOKEN}`);
      assert.equal(await (await fetch(`${origin}/own`)).text(), 'own');
      assert.equal((await fetch(`${origin}/db/`)).status, 401);
      const entered = await fetch(origin + page.path);
      const cookie = entered.headers.get('set-cookie')?.split(';')[0] ?? '';
      assert.match(entered.headers.get('set-cookie') ?? '', /; Path=\/db\/; HttpOnly; SameSite=Strict$/);
      const ask = (path: string, init: RequestInit = {}) =>
        fetch(`${origin}/db/${path}`, { headers: { cookie }, ...init });
      assert.match(await (await ask('')).text(), /<script type="module" src="page\.js">/);
      for (const view of ['now', 'runs', 'messages', 'traces', 'agents', 'file']) {
        const answer = await ask(`view?view=${view}`);
        assert.equal(answer.status, 200, view);
        assert.notEqual(((await answer.json()) as Block[])[0]?.kind, undefined, view);
      }
      assert.equal((await ask('views', { method: 'POST', headers: { cookie } })).status, 405);
      const stream = (await ask('events?view=now')).body?.getReader();
      const first = new TextDecoder().decode((await stream?.read())?.value);
      assert.match(first, /^data: \[\{"kind":"verdict"/);
      page.close();
      for (;;) if ((await stream?.read())?.done) break;
    });

    it('shows a host’s own database with its views and metrics, and that there is no file', async () => {
      using folder = temporaryFolder();
      using db = kit().createDb(folder.file('notes.db'));
      using watch = kit().monitor(db);
      const { prometheusText } = await import('#entry');
      const handlers: ConsoleHandler[] = [];
      await using server = await mount(() => handlers.at(-1) as ConsoleHandler);
      const look = async (view: string, file: string) => {
        using page = consoleHandler({
          database: kit(),
          file: folder.file(file),
          hosts: [server.host],
          base: '/db/',
          metrics: () => prometheusText(watch.sample()),
          views: [
            { name: 'own', title: 'Own', everyMs: null, read: () => [{ kind: 'text', title: 'Mine', text: 'here' }] },
            { name: 'none', title: 'None', everyMs: null, read: () => undefined as never },
          ],
        });
        handlers.push(page);
        const cookie =
          (await fetch(`http://${server.host}${page.path}`)).headers.get('set-cookie')?.split(';')[0] ?? '';
        const answer = await fetch(`http://${server.host}/db/view?view=${view}`, { headers: { cookie } });
        return answer.status === 200 ? ((await answer.json()) as Block[]) : answer.status;
      };
      assert.deepEqual(await look('own', 'notes.db'), [{ kind: 'text', title: 'Mine', text: 'here' }]);
      assert.match(blockOf((await look('none', 'notes.db')) as Block[], 'verdict').text, /view none must be an array/);
      assert.equal(await look('runs', 'notes.db'), 404);
      blockOf((await look('now', 'notes.db')) as Block[], 'facts', 'The server’s own metrics, since it started');
      const missing = blockOf((await look('now', 'none.db')) as Block[], 'verdict');
      assert.equal(missing.tone, 'error');
      assert.ok(missing.text.includes('none.db') && missing.hint, JSON.stringify(missing));
    });
  });

describe(`consoleHandler() on ${RUNTIME}`, () => {
  it('refuses options that would let others in, or that are misspelled', () => {
    const hosts = ['127.0.0.1:1'];
    for (const options of [
      {},
      { hosts: [] },
      { hosts: '127.0.0.1' },
      { hosts: [''] },
      { hosts: [undefined] },
      { hosts: ['*'] },
      { hosts, token: '' },
      { hosts, token: 'short' },
      { hosts, token: `${'x'.repeat(40)};` },
      { hosts, base: 'console' },
      { hosts, base: '/console' },
      { hosts, base: '//evil/' },
      { hosts, base: '/"><script>/' },
      { hosts, base: '/a; Path=/' },
      { hosts, metrics: 'http://127.0.0.1/' },
      { hosts, host: 'x' },
      { hosts, database: {} },
      { hosts, database: null },
      { hosts, file: '' },
    ])
      assert.throws(() => consoleHandler(options as never), InvalidInputError, JSON.stringify(options));
  });

  it('refuses views that cannot be shown, by the field that is wrong, as the command line does', async () => {
    const view = { name: 'own', title: 'Own', everyMs: null, read: () => [] };
    const wrong: [views: unknown, field: string][] = [
      ['own', ''],
      [null, ''],
      [{ own: view }, ''],
      [[undefined], '[0]'],
      [[view, { ...view, name: 'also', every: 1 }], '[1].every'],
      [[view, view], '[1].name'],
      ...['now', 'file', '', 'two words', 'a/b', 1, undefined].map((name): [unknown, string] => [
        [{ ...view, name }],
        '[0].name',
      ]),
      ...['', 1, undefined].map((title): [unknown, string] => [[{ ...view, title }], '[0].title']),
      ...[0, -1, 0.5, '1', Number.NaN, 2 ** 31, undefined].map((everyMs): [unknown, string] => [
        [{ ...view, everyMs }],
        '[0].everyMs',
      ]),
      [[{ ...view, isOnce: true }], '[0].isOnce'],
      [[{ ...view, read: undefined }], '[0].read'],
    ];
    for (const [views, field] of wrong) {
      const isNamed = (error: unknown) => error instanceof InvalidInputError && error.field === `options.views${field}`;
      const hosts = ['127.0.0.1:1'];
      const shown = JSON.stringify(views);
      assert.throws(() => consoleHandler({ hosts, views } as never), isNamed, shown);
      await assert.rejects(commandLine(kit(), { views, argv: ['status'] } as never), isNamed, shown);
    }
    using _ = consoleHandler({ hosts: ['127.0.0.1:1'], views: [view, { ...view, name: 'also', everyMs: 2000 }] });
  });

  it('makes a token of its own that nobody can guess', () => {
    const paths = [1, 2].map(() => consoleHandler({ hosts: ['127.0.0.1:1'], file: '/none/x.db' }).path);
    assert.match(paths[0] ?? '', /^\/console\/\?token=[\w-]{43}$/);
    assert.notEqual(paths[0], paths[1]);
  });
});
