/** What a server shows of itself: the page has its figures, and nothing where it does not answer. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { defineDb, monitor, prometheusText } from '#entry';
import type { Block, Value } from '../../../src/engine/console/blocks.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME, runtimeCommand } from '../../support/runtime.ts';
import { notes, notesHistory, schema } from '../notes.ts';
import { blockOf, Served } from './served.ts';

const NOTES = 'test/engine/cli/fixtures/notes-db.ts';
const kit = () => defineDb({ name: 'notes', schema, history: notesHistory(), command: 'notes-db' });
const FACTS = 'The server’s own metrics, since it started';

async function serve(listener: RequestListener): Promise<Server & AsyncDisposable & { address: string }> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(server, {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  });
}

const plain = (value: Value | undefined) =>
  typeof value === 'object' && value !== null ? value.value : (value ?? null);
const fact = (blocks: Block[], name: string) =>
  plain(blockOf(blocks, 'facts', FACTS).facts.find((each) => each.name === name)?.value);
const problem = (blocks: Block[]) => blockOf(blocks, 'findings', 'Metrics').findings[0]?.text ?? '';
const has = (blocks: Block[], title: string) => blocks.some((block) => 'title' in block && block.title === title);

/** Looks until it is so: an answer that is late is in the next look. */
async function until(look: () => Promise<Block[]>, isSo: (blocks: Block[]) => boolean): Promise<Block[]> {
  for (let i = 0; ; i++) {
    const blocks = await look();
    if (isSo(blocks)) return blocks;
    assert.ok(i < 200, JSON.stringify(blocks).slice(0, 3000));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe(`the metrics of a server in the console on ${RUNTIME}`, () => {
  it('are its statements, commits and waits, and absent when it no longer answers', async () => {
    using folder = temporaryFolder();
    using db = kit().createDb(folder.file('notes.db'));
    using watch = monitor(db, { slowMs: 0 });
    await using server = await serve((_, response) => response.end(prometheusText(watch.sample())));
    await using served = await Served.start(NOTES, folder.file('notes.db'), { args: ['--metrics', server.address] });
    const look = () => served.view('now');
    await until(look, (blocks) => has(blocks, FACTS));
    for (const title of ['milk', 'bread', 'salt']) db.insert(notes).values({ title }).run();
    const { statements, commits, slowRuns } = watch.sample();
    const blocks = await until(look, (found) => fact(found, 'Statements') === statements);
    assert.deepEqual(
      [commits, slowRuns, 0, 0],
      ['Commits', 'Slow statements', 'Waits for a lock', 'Failed waits for a lock'].map((name) => fact(blocks, name)),
    );
    const rates = blockOf(blocks, 'chart', 'Statements and commits a second').series;
    assert.ok(
      rates.every(({ points }) => points.some(([, rate]) => rate !== null && rate > 0)),
      JSON.stringify(rates),
    );
    assert.equal(has(blocks, 'Metrics'), false);
    server.closeAllConnections();
    server.close();
    const later = await until(look, (found) => has(found, 'Metrics'));
    assert.match(problem(later), /could not be read: .*ECONNREFUSED/);
    assert.equal(blockOf(later, 'verdict').tone, blockOf(blocks, 'verdict').tone);
  });

  it('are those of this file alone, of all its connections, and nothing is made of what is no metric', async () => {
    using folder = temporaryFolder();
    kit().createDb(folder.file('notes.db')).$client.close();
    let text = '';
    await using server = await serve((_, response) => response.end(text));
    await using served = await Served.start(NOTES, folder.file('notes.db'), { args: ['--metrics', server.address] });
    const look = () => served.view('now');
    for (const other of [
      '',
      '<html>',
      'other_db_statements_total 7',
      'notes_db_statements_total{file="/other.db"} 7',
      'notes_db_statements_total x',
    ]) {
      text = other;
      const blocks = await until(look, (found) => has(found, 'Metrics'));
      assert.match(problem(blocks), /do not include this file/, other);
      assert.equal(has(blocks, FACTS), false, other);
    }
    const file = folder.file('notes.db');
    text = [
      `notes_db_statements_total{file="${file}",worker="1"} 7`,
      `notes_db_statements_total{worker="2",file="${file}"} 1e3 1700000000000`,
      'notes_db_statements_total{file="/other.db"} 5',
      `notes_db_busy_errors_total{file="${file}"} 2`,
    ].join('\n');
    const blocks = await until(look, (found) => has(found, FACTS));
    assert.deepEqual([fact(blocks, 'Statements'), fact(blocks, 'Failed waits for a lock')], [1007, 2]);
    // The process began anew: a total that becomes less has no rate.
    text = 'notes_db_statements_total 3';
    const anew = await until(look, (found) => fact(found, 'Statements') === 3);
    const [points = []] = blockOf(anew, 'chart', 'Statements and commits a second').series.map((each) => each.points);
    assert.equal(points.at(-1)?.[1], null);
    assert.ok(points.every(([, rate]) => rate === null || rate >= 0));
  });

  it('never hold a view up, however the address behaves', async () => {
    using folder = temporaryFolder();
    kit().createDb(folder.file('notes.db')).$client.close();
    const behaviours: [RequestListener, RegExp][] = [
      [(_, response) => response.writeHead(302, { location: 'http://192.0.2.1/' }).end(), /answered 302/],
      [(_, response) => response.writeHead(500).end(), /answered 500/],
      [(request) => request.socket.destroy(), /could not be read/],
      [() => {}, /did not answer in 2 s/],
      [
        (_, response) => {
          const more = () => {
            while (response.write('x'.repeat(100_000)));
            response.once('drain', more);
          };
          more();
        },
        /more than 1048576 characters/,
      ],
    ];
    let behaviour: RequestListener = () => {};
    await using server = await serve((request, response) => behaviour(request, response));
    await using served = await Served.start(NOTES, folder.file('notes.db'), { args: ['--metrics', server.address] });
    for (const [listener, expected] of behaviours) {
      behaviour = listener;
      const blocks = await until(
        () => served.view('now'),
        (found) => has(found, 'Metrics') && expected.test(problem(found)),
      );
      assert.equal(blocks[0]?.kind, 'verdict');
    }
    assert.equal(await served.end(), 0);
    assert.equal(served.output, '');
  });

  it('are refused for what is no address, and shown by top', async () => {
    using folder = temporaryFolder();
    using db = kit().createDb(folder.file('notes.db'));
    using watch = monitor(db);
    const [command, script] = runtimeCommand(NOTES);
    for (const address of ['file:///etc/passwd', '127.0.0.1:4242']) {
      const { status, stderr } = spawnSync(
        command,
        [script, 'console', '--db', folder.file('notes.db'), '--metrics', address],
        { encoding: 'utf8' },
      );
      assert.equal(status, 2, address);
      assert.match(stderr, /must be an HTTP address such as http:\/\/127\.0\.0\.1:4242\/metrics/);
    }
    await using server = await serve((_, response) => response.end(prometheusText(watch.sample())));
    const top = spawn(
      command,
      [script, 'top', '--once', '--db', folder.file('notes.db'), '--metrics', server.address],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, NO_COLOR: '1' },
      },
    );
    let output = '';
    top.stdout.on('data', (data) => {
      output += data;
    });
    assert.deepEqual(await once(top, 'close'), [0, null]);
    assert.match(output, new RegExp(`\\nStatements ${watch.sample().statements} .* Commits 0 `));
  });
});
