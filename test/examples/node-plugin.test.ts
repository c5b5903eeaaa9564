/** The plugin of examples/node-plugin, bundled by esbuild and run by Node, beside the server that Bun runs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createDb } from '#entry';
import { assertBuilt } from '../support/built.ts';
import { temporaryFolder } from '../support/folder.ts';
import { NODE, ROOT, runtimeCommand } from '../support/runtime.ts';
import { ServerProcess } from './server-process.ts';

describe('examples/node-plugin', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let bundle: string;

  before(() => {
    assertBuilt();
    folder = temporaryFolder();
    bundle = folder.file('main.js');
    const { status, stderr } = spawnSync(...commandOf('build.ts', bundle), { encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
  });

  after(() => folder[Symbol.dispose]());

  function commandOf(script: string, ...args: string[]): [command: string, args: string[]] {
    const [, path] = runtimeCommand(`examples/node-plugin/${script}`);
    return [NODE, [path, ...args]];
  }

  function host(home: string, vault: string) {
    return spawnSync(...commandOf('host.ts', bundle, vault), {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: home, DORK_HOME: home },
    });
  }

  it('is one file with the migrations inside, which asks for modules of Node alone', () => {
    const text = readFileSync(bundle, 'utf8');
    assert.ok(text.includes('CREATE TABLE `pulse_runs`'));
    const outside = [...text.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name = '']) => name);
    assert.ok(outside.length > 3);
    assert.deepEqual(
      outside.filter((name) => !isBuiltin(name)),
      [],
    );
    assert.ok(!text.includes(ROOT), 'a path of this machine');
  });

  it('works on the file of the server while the server runs', async () => {
    await using server = await ServerProcess.start(folder.path);
    await server.json('POST', '/schedules', { name: 'Report', prompt: 'Write', cron: '0 9 * * *' });
    await server.json('POST', '/messages', { id: 'm', subject: 's', endpointHash: folder.path });
    for (let i = 0; i < 2; i++) {
      const { status, stdout, stderr } = host(folder.path, folder.path);
      assert.equal(status, 0, stderr);
      const panel = JSON.parse(stdout);
      assert.equal(panel.driver, 'node:sqlite');
      assert.deepEqual(panel.agents, ['vault']);
      assert.equal(panel.waiting, 1);
      assert.equal(panel.schedules[0].name, 'Report');
    }
    const agents = await server.json<{ projectPath: string; healthStatus: string }[]>('GET', '/agents');
    assert.deepEqual(
      agents.map(({ projectPath, healthStatus }) => [projectPath, healthStatus]),
      [[folder.path, 'active']],
    );
    assert.equal(await server.end(), 0, server.output);
  });

  it('says what to do about a file that the server has not migrated, and leaves it as it is', () => {
    const home = folder.file('home');
    mkdirSync(home);
    const file = join(home, 'dork.db');
    createDb(file, { migrations: 'skip' }).$client.close();
    const before = readFileSync(file);
    const { status, stdout, stderr } = host(home, folder.path);
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, /does not migrate\. Nothing was touched\. Run dork-db migrate/);
    assert.deepEqual(readFileSync(file), before);
  });
});
