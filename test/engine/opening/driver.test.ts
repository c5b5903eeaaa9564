import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { temporaryFolder } from '../../support/folder.ts';
import { BUN, NODE, ROOT } from '../../support/runtime.ts';

const OPEN = `
  const { createDb, UnsupportedRuntimeError } = await import('#entry');
  for (const path of [process.env.FILE, ':memory:', undefined]) {
    try {
      createDb(path).$client.close();
      console.log(JSON.stringify({ code: 'OPENED' }));
    } catch (error) {
      console.log(JSON.stringify({ ...error, isTyped: error instanceof UnsupportedRuntimeError, message: error.message }));
    }
  }`;

interface Answer {
  readonly code: string;
  readonly isTyped?: boolean;
  readonly message: string;
  readonly hint: string;
}

/** Opens a new file, a database in memory and the default path, in a process of its own. */
function openAll(command: string, cwd: string, home: string, script = OPEN): Answer[] {
  writeFileSync(join(cwd, 'open.mjs'), script);
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    FILE: join(home, 'new.db'),
    DORK_HOME: join(home, '.dork'),
    BUN_RUNTIME_TRANSPILER_CACHE_PATH: '0',
  };
  const { stdout, stderr } = spawnSync(command, [join(cwd, 'open.mjs')], { cwd, env, encoding: 'utf8' });
  assert.equal(stderr, '');
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** A copy of the project's source with another better-sqlite3. */
function projectWith(folder: string, binary: string | undefined): string {
  const project = join(folder, 'project');
  mkdirSync(join(project, 'node_modules'), { recursive: true });
  for (const name of ['src', 'drizzle', 'package.json'])
    cpSync(join(ROOT, name), join(project, name), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== 'better-sqlite3')
      symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name), 'junction');
  }
  const driver = join(ROOT, 'node_modules', 'better-sqlite3');
  const copy = join(project, 'node_modules', 'better-sqlite3');
  for (const name of ['lib', 'package.json']) cpSync(join(driver, name), join(copy, name), { recursive: true });
  if (binary !== undefined) {
    mkdirSync(join(copy, 'prebuilds'));
    for (const name of readdirSync(join(driver, 'prebuilds'))) writeFileSync(join(copy, 'prebuilds', name), binary);
  }
  return project;
}

describe('a runtime without a usable driver', () => {
  for (const [what, binary] of [
    ['without its native binary', undefined],
    ['with a broken native binary', 'not a library'],
  ] as const) {
    it(`is refused by name where better-sqlite3 is ${what}, and nothing is made`, () => {
      using folder = temporaryFolder();
      const home = folder.file('home');
      mkdirSync(home);
      const answers = openAll(NODE, projectWith(folder.path, binary), home);
      assert.equal(answers.length, 3);
      for (const { code, isTyped, message, hint } of answers) {
        assert.deepEqual({ code, isTyped }, { code: 'DRIVER_BROKEN', isTyped: true });
        assert.match(message, /better-sqlite3.*Nothing was opened\.$/s);
        assert.match(hint, /npm install/);
      }
      assert.deepEqual(readdirSync(home), []);
    });
  }

  it('is refused by its version where Bun is older than 1.4, and nothing is made', () => {
    using folder = temporaryFolder();
    const home = folder.file('home');
    mkdirSync(home);
    const script = `Object.defineProperty(process.versions, 'bun', { value: '1.3.9' });${OPEN}`;
    const project = projectWith(folder.path, undefined);
    const answers = openAll(BUN, project, home, script);
    assert.equal(answers.length, 3);
    for (const { code, isTyped, message } of answers) {
      assert.deepEqual({ code, isTyped }, { code: 'BUN_TOO_OLD', isTyped: true });
      assert.match(message, /1\.3\.9.*Nothing was opened/);
    }
    assert.deepEqual(readdirSync(home), []);
    const current = openAll(BUN, project, home);
    assert.deepEqual(
      current.map(({ code }) => code),
      ['OPENED', 'OPENED', 'OPENED'],
    );
  });
});
