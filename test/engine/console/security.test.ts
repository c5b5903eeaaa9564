/** The console from outside: who gets in, and that nobody can write. The server runs on this runtime. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { after, before, describe, it } from 'node:test';
import { createDb, PulseStore } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { Served } from './served.ts';

const SECRET = 'a prompt that nobody else may read';

describe(`the console from outside on ${RUNTIME}`, () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let served: Served;

  before(async () => {
    folder = temporaryFolder();
    const db = createDb(folder.file('dork.db'));
    new PulseStore(db).createSchedule({ name: 'n', prompt: SECRET, cron: '* * * * *' });
    db.$client.close();
    served = await Served.start('src/cli/main.ts', folder.file('dork.db'));
  });
  after(async () => {
    await served.end();
    folder[Symbol.dispose]();
  });

  /** Everything that there is, and some that there is not. */
  const paths = () => [
    '',
    'page.js',
    'page.css',
    'views',
    'view?view=file&table=pulse_schedules',
    'events?view=now',
    'nothing',
  ];

  const isClosed = ({ status, body }: { status: number; body: string }, what: string) => {
    assert.ok(status >= 400 && status < 500, `${what}: ${status}`);
    assert.ok(!body.includes(SECRET) && !body.includes('pulse_schedules') && !body.includes(folder.path), what);
  };

  it('lets the token in once, and the cookie afterwards', async () => {
    const { headers } = await served.ask(new URL(served.address).pathname + new URL(served.address).search);
    assert.match(headers['set-cookie']?.[0] ?? '', /; Path=\/[\w-]{12}\/; HttpOnly; SameSite=Strict$/);
    const { status, body } = await served.ask(`${served.base}view?view=file&table=pulse_schedules`, {
      headers: { cookie: served.cookie },
    });
    assert.equal(status, 200);
    assert.ok(body.includes(SECRET));
  });

  it('gives nothing without the token, with a wrong one, and with the cookie of another console', async () => {
    const [name = '', token = ''] = served.cookie.split('=');
    for (const path of paths()) {
      isClosed(await served.ask(served.base + path), path);
      for (const cookie of [`${name}=`, `${name}=${token.slice(1)}`, `${name}=${token}x`, `other=${token}`, `${name}`])
        isClosed(await served.ask(served.base + path, { headers: { cookie } }), `${path} ${cookie}`);
    }
    isClosed(await served.ask(`${served.base}?token=${token.slice(0, -1)}`), 'a shorter token');
    isClosed(await served.ask(`${served.base}view?token=${token}&view=now`), 'a token elsewhere');
    isClosed(await served.ask(`/?token=${token}`), 'a token without the path');
  });

  it('answers no other host name: a name that was rebound to this machine gets nothing', async () => {
    for (const host of [
      'evil.example',
      `evil.example:${served.port}`,
      '127.0.0.1',
      '127.0.0.1:1',
      `[::1]:${served.port}`,
      `127.0.0.1:${served.port}.evil.example`,
    ])
      for (const path of paths())
        isClosed(await served.ask(served.base + path, { headers: { host, cookie: served.cookie } }), `${host} ${path}`);
    const { status } = await served.ask(`${served.base}views`, {
      headers: { host: `localhost:${served.port}`, cookie: served.cookie },
    });
    assert.equal(status, 200);
  });

  it('answers no other origin and no other site, and lets nobody read across origins', async () => {
    const own = `127.0.0.1:${served.port}`;
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: `https://${own}` },
      { origin: 'http://127.0.0.1:1' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
    ] as Record<string, string>[]) {
      for (const path of paths()) {
        const answer = await served.ask(served.base + path, { headers: { ...headers, cookie: served.cookie } });
        isClosed(answer, JSON.stringify(headers));
        assert.equal(answer.headers['access-control-allow-origin'], undefined);
      }
    }
    const framed = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' };
    isClosed(
      await served.ask(new URL(served.address).pathname + new URL(served.address).search, { headers: framed }),
      'a frame',
    );
  });

  it('has the headers that keep a browser from loading, framing, caching and sniffing anything', async () => {
    for (const path of ['', 'page.js', 'page.css', 'views', 'view?view=now']) {
      const { status, headers } = await served.ask(served.base + path, { headers: { cookie: served.cookie } });
      assert.equal(status, 200, path);
      assert.match(
        String(headers['content-security-policy']),
        /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'/,
      );
      assert.doesNotMatch(String(headers['content-security-policy']), /unsafe|\*|https?:/);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['referrer-policy'], 'no-referrer');
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin');
    }
  });

  it('takes no method that could write', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      const answer = await served.ask(`${served.base}views`, { method, headers: { cookie: served.cookie } });
      assert.equal(answer.status, 405, method);
    }
  });

  it('has no path to a file, however it is written', async () => {
    const { base } = served;
    const tricks = [
      '../../../etc/passwd',
      '%2e%2e/%2e%2e/etc/passwd',
      '..%2fetc%2fpasswd',
      '/etc/passwd',
      'page.js/../../x',
      'page.js%00',
      'constructor',
      '__proto__',
      'toString',
      'page.ts',
      '\\..\\x',
    ];
    for (const trick of tricks) {
      const { status } = await served.ask(base + trick, { headers: { cookie: served.cookie } });
      assert.equal(status, 404, trick);
    }
    for (const path of ['//evil.example/', 'http://evil.example/', '*', '/..//', `/${base}`])
      isClosed(await served.ask(path, { headers: { cookie: served.cookie } }), path);
  });

  it('keeps no stream for HEAD, nor for whoever left, and answers a page again after too many', async () => {
    const headers = { cookie: served.cookie };
    for (let i = 0; i < 40; i++) {
      const { status, body } = await served.ask(`${served.base}events?view=now`, { method: 'HEAD', headers });
      assert.deepEqual([status, body], [200, '']);
    }
    const open = () =>
      new Promise<[number | undefined, () => void]>((resolve, reject) => {
        const asked = request(
          { host: '127.0.0.1', port: served.port, path: `${served.base}events?view=now`, headers, agent: false },
          (answer) => resolve([answer.statusCode, () => answer.destroy()]),
        );
        asked.on('error', reject);
        asked.end();
      });
    const streams = await Promise.all(Array.from({ length: 20 }, open));
    const refused = streams.filter(([status]) => status === 503).length;
    assert.deepEqual([streams.filter(([status]) => status === 200).length, refused], [16, 4]);
    for (const [, leave] of streams) leave();
    for (let i = 0; ; i++) {
      const [status, leave] = await open();
      leave();
      if (status === 200) break;
      assert.ok(i < 500, 'the streams of those who left stay');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });

  it('takes no large request, and no body', async () => {
    const { cookie } = served;
    const long = await served.ask(`${served.base}view?view=runs&run=${'x'.repeat(14_000)}`, { headers: { cookie } });
    assert.equal(long.status, 200);
    // Node answers 431, Bun ends the connection.
    const tooLong = await served
      .ask(`${served.base}view?view=${'x'.repeat(200_000)}`, { headers: { cookie } })
      .catch(({ code }) => ({ status: code }));
    assert.ok([431, 'ECONNRESET', 'EPIPE'].includes(tooLong.status), String(tooLong.status));
    const posted = connect(served.port, '127.0.0.1');
    posted.on('error', () => {});
    posted.write(
      `POST ${served.base}views HTTP/1.1\r\nHost: 127.0.0.1:${served.port}\r\nCookie: ${cookie}\r\nContent-Length: 9999999999\r\n\r\n`,
    );
    const [answer] = (await once(posted, 'data')) as [Buffer];
    assert.match(String(answer), /^HTTP\/1\.1 405 /);
    posted.destroy();
    assert.equal((await served.ask(`${served.base}views`, { headers: { cookie } })).status, 200);
  });

  it('runs a statement of a page that is left open once', async () => {
    const { cookie } = served;
    const text = await new Promise<string>((resolve, reject) => {
      const path = `${served.base}events?view=file&sql=${encodeURIComponent('SELECT 7 AS seven')}`;
      const asked = request(
        { host: '127.0.0.1', port: served.port, path, headers: { cookie }, agent: false },
        (answer) => {
          let body = '';
          answer.on('data', (chunk) => {
            body += chunk;
            if (!body.includes('event: once')) return;
            answer.destroy();
            resolve(body);
          });
        },
      );
      asked.on('error', reject);
      asked.end();
    });
    assert.match(text, /^data: .*seven.*\n\nevent: once\ndata:\n\n$/);
  });

  it('survives what is not HTTP, and a request that never ends', async () => {
    await new Promise<void>((resolve, reject) => {
      const socket = connect(served.port, '127.0.0.1', () => socket.write('\0\0\0 not http\r\n\r\n'));
      socket.on('close', () => resolve());
      socket.on('error', reject);
      socket.resume();
    });
    const half = connect(served.port, '127.0.0.1', () => half.write('GET / HTTP/1.1\r\nHost:'));
    assert.equal((await served.ask(`${served.base}views`, { headers: { cookie: served.cookie } })).status, 200);
    half.destroy();
  });

  it('listens on this machine alone', async () => {
    const others = Object.values(networkInterfaces()).flatMap(
      (each) => each?.filter(({ internal, family }) => !internal && family === 'IPv4') ?? [],
    );
    for (const { address } of others) {
      const refusal = await new Promise<string>((resolve) => {
        const socket = connect(served.port, address, () => resolve('it was let in'));
        socket.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
      });
      assert.equal(refusal, 'ECONNREFUSED', address);
    }
  });

  it('runs no statement that writes or reaches another file', async () => {
    const before = readFileSync(folder.file('dork.db'));
    for (const sql of [
      'DELETE FROM pulse_schedules',
      'WITH x AS (SELECT 1) DELETE FROM pulse_schedules',
      "ATTACH '/etc/passwd' AS other",
      'PRAGMA journal_mode = DELETE',
      'PRAGMA user_version = 7',
      "VACUUM INTO '/tmp/copy.db'",
      'SELECT 1; DELETE FROM pulse_schedules',
      'SELECT 1) LIMIT 1; DELETE FROM pulse_schedules; --',
      "SELECT load_extension('/tmp/x')",
      "SELECT readfile('/etc/passwd')",
      "SELECT writefile('/tmp/x', 'y')",
    ]) {
      const [, , verdict] = await served.view('file', { sql });
      assert.equal(verdict?.kind === 'verdict' && verdict.tone, 'error', `${sql}: ${JSON.stringify(verdict)}`);
    }
    assert.deepEqual(readFileSync(folder.file('dork.db')), before);
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => !name.startsWith('dork.db')),
      [],
    );
    assert.ok(!existsSync('/tmp/copy.db'));
  });

  it('shows no more of a large value than a page can hold', async () => {
    const blocks = await served.view('file', { sql: 'SELECT zeroblob(50000000)' });
    assert.ok(JSON.stringify(blocks).length < 100_000);
  });

  it('ends a statement that takes too long, and stays alive', async () => {
    const sql = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c';
    const [, , verdict] = await served.view('file', { sql });
    assert.match(verdict?.kind === 'verdict' ? verdict.text : '', /longer than 5 seconds/);
    assert.equal((await served.view('now'))[0]?.kind, 'verdict');
  });

  it('prints nothing of what it was asked and what it answered, and Ctrl-C ends it clean', async () => {
    const code = await served.end();
    assert.equal(code, 0);
    assert.equal(served.output, '');
    assert.deepEqual(readdirSync(folder.path), ['dork.db']);
  });
});
