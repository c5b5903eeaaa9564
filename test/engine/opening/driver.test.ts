import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { build } from 'esbuild';
import { BUNDLE, bundlePath } from '../../support/bundle.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { BUN, NODE, ROOT } from '../../support/runtime.ts';

const OPEN = `
  const { createDb, UnsupportedRuntimeError } = await import('#entry');
  for (const path of [process.env.FILE, ':memory:', undefined]) {
    try {
      const db = createDb(path, JSON.parse(process.env.OPTIONS ?? '{}'));
      console.log(JSON.stringify({ code: db.$client.driver }));
      db.$client.close();
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
function openAll(command: string, cwd: string, home: string, script = OPEN, more: NodeJS.ProcessEnv = {}): Answer[] {
  writeFileSync(join(cwd, 'open.mjs'), script);
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    FILE: join(home, 'new.db'),
    DORK_HOME: join(home, '.dork'),
    BUN_RUNTIME_TRANSPILER_CACHE_PATH: '0',
    ...more,
  };
  const { stdout, stderr } = spawnSync(command, [join(cwd, 'open.mjs')], { cwd, env, encoding: 'utf8' });
  assert.equal(stderr, '');
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const entries = bundlePath();

/** Each entry in one file, which starts in a third of the time that its sources take. */
before(async () => {
  const bundles = Object.entries({ bun: 'index.ts', node: 'node.ts' }).map(([runtime, entry]) =>
    build({
      ...BUNDLE,
      external: [...BUNDLE.external],
      entryPoints: [join(ROOT, 'src', entry)],
      outfile: join(entries, `${runtime}.js`),
    }),
  );
  await Promise.all(bundles);
});

/** A project with a copy of the entries and without better-sqlite3. */
function projectWithout(folder: string): string {
  const project = join(folder, 'project');
  mkdirSync(join(project, 'node_modules'), { recursive: true });
  cpSync(entries, project, { recursive: true });
  const imports = { '#entry': { bun: './bun.js', default: './node.js' } };
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module', imports }));
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== 'better-sqlite3')
      symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name), 'junction');
  }
  return project;
}

/** The same project with another better-sqlite3. */
function projectWith(folder: string, binary: string | undefined): string {
  const project = projectWithout(folder);
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
        assert.match(hint, /npm install.*DORK_DB_DRIVER=node:sqlite/);
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
      ['bun:sqlite', 'bun:sqlite', 'bun:sqlite'],
    );
  });
});

describe('the driver on Node', () => {
  const codes = (project: string, home: string, more: NodeJS.ProcessEnv = {}, script = OPEN) =>
    openAll(NODE, project, home, script, more).map(({ code }) => code);
  const thrice = (code: string) => [code, code, code];

  it('is better-sqlite3 where it is installed, unless the variable or the option says otherwise', () => {
    using folder = temporaryFolder();
    const project = projectWithout(folder.path);
    symlinkSync(
      join(ROOT, 'node_modules', 'better-sqlite3'),
      join(project, 'node_modules', 'better-sqlite3'),
      'junction',
    );
    const home = folder.file('home');
    mkdirSync(home);
    const [better, node] = ['better-sqlite3', 'node:sqlite'];
    assert.deepEqual(codes(project, home), thrice('better-sqlite3'));
    assert.deepEqual(codes(project, home, { DORK_DB_DRIVER: node }), thrice('node:sqlite'));
    assert.deepEqual(codes(project, home, { DORK_DB_DRIVER: '' }), thrice('better-sqlite3'));
    const options = JSON.stringify({ driver: better });
    assert.deepEqual(codes(project, home, { DORK_DB_DRIVER: node, OPTIONS: options }), thrice('better-sqlite3'));
    assert.deepEqual(codes(project, home, { OPTIONS: JSON.stringify({ driver: node }) }), thrice('node:sqlite'));
  });

  it('is Node’s own where nothing is installed', () => {
    using folder = temporaryFolder();
    assert.deepEqual(codes(projectWithout(folder.path), folder.path), thrice('node:sqlite'));
  });

  it('is missing by name, with both ways out, where nothing is installed and Node is too old', () => {
    using folder = temporaryFolder();
    const project = projectWithout(folder.path);
    const home = folder.file('home');
    mkdirSync(home);
    const script = `Object.defineProperty(process.versions, 'node', { value: '22.14.0' });${OPEN}`;
    for (const [more, code] of [
      [{}, 'DRIVER_MISSING'],
      [{ DORK_DB_DRIVER: 'node:sqlite' }, 'DRIVER_UNSOUND'],
    ] as const) {
      const answers = openAll(NODE, project, home, script, more);
      assert.deepEqual(
        answers.map((answer) => answer.code),
        thrice(code),
      );
      for (const { isTyped, message, hint } of answers) {
        assert.equal(isTyped, true);
        assert.match(message, /22\.14\.0.*Nothing was opened\.$/);
        assert.match(hint, /24\.16.*npm install better-sqlite3@13/);
      }
    }
    assert.deepEqual(readdirSync(home), []);
  });

  it('is refused where it has no such name, and nothing is made', () => {
    using folder = temporaryFolder();
    const project = projectWithout(folder.path);
    const home = folder.file('home');
    mkdirSync(home);
    for (const more of [{ DORK_DB_DRIVER: 'sqlite3' }, { OPTIONS: JSON.stringify({ driver: 'bun:sqlite' }) }])
      assert.deepEqual(codes(project, home, more), thrice('DRIVER_UNKNOWN'));
    const onBun = openAll(BUN, project, home, OPEN, { OPTIONS: JSON.stringify({ driver: 'node:sqlite' }) });
    assert.deepEqual(
      onBun.map(({ code }) => code),
      thrice('DRIVER_UNKNOWN'),
    );
    assert.deepEqual(readdirSync(home), []);
  });

  it('is refused on Deno, which it does not run on', () => {
    using folder = temporaryFolder();
    const script = `Object.defineProperty(process.versions, 'deno', { value: '2.9.0' });${OPEN}`;
    assert.deepEqual(codes(projectWithout(folder.path), folder.path, {}, script), thrice('DENO'));
  });

  it('is not a second one for a file that this process has open', () => {
    using folder = temporaryFolder();
    const script = `
      const { createDb, migrationStatus } = await import(${JSON.stringify(join(entries, 'node.js'))});
      const db = createDb(process.argv[1], { driver: process.argv[2] });
      for (const act of [() => createDb(process.argv[1], { driver: process.argv[3] }), () => createDb(process.argv[1])]) {
        try {
          const other = act();
          console.log(other.$client.driver);
          other.$client.close();
        } catch (error) {
          console.log(error.code);
        }
      }
      db.$client.close();
      console.log(createDb(process.argv[1], { driver: process.argv[3] }).$client.driver);`;
    for (const [first, second] of [
      ['better-sqlite3', 'node:sqlite'],
      ['node:sqlite', 'better-sqlite3'],
    ] as const) {
      const { DORK_DB_DRIVER: _, ...env } = process.env;
      const args = ['--input-type=module', '-e', script, folder.file('dork.db'), first, second];
      const { stdout, stderr } = spawnSync(NODE, args, { cwd: ROOT, env, encoding: 'utf8' });
      // Without an option, it is the one that the process uses.
      assert.deepEqual(stdout.trim().split('\n'), ['TWO_LIBRARIES', first, second], stderr);
    }
  });
});
