/** What a user gets: the package is packed, installed in a project of its own, and used there on both runtimes. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { temporaryFolder } from '../support/folder.ts';
import { BUN, NODE, ROOT } from '../support/runtime.ts';

const FIXTURES = join(ROOT, 'test', 'consumers', 'fixtures');
const INSTALL_MS = 180_000;

/** Runs a CommonJS file as Obsidian runs a plugin: as text, so that it does not know where it is. */
const AS_TEXT = `
  const text = require('node:fs').readFileSync(process.argv[1], 'utf8');
  (0, eval)('(function (require, module, exports) {' + text + '\\n})')(require, { exports: {} }, {});`;

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('a project that installs the package', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let project: string;

  /** Runs a command in the project. */
  function run(command: string, ...args: string[]): Outcome {
    return spawnSync(command, args, { cwd: project, encoding: 'utf8' });
  }

  function runJson(command: string, ...args: string[]): unknown {
    const { status, stdout, stderr } = run(command, ...args);
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
  }

  before(
    () => {
      folder = temporaryFolder();
      project = folder.file('project');
      cpSync(FIXTURES, project, { recursive: true });
      execFileSync(BUN, ['pm', 'pack', '--destination', folder.path, '--quiet'], { cwd: ROOT, encoding: 'utf8' });
      const packed = readdirSync(folder.path).find((name) => name.endsWith('.tgz'));
      const root = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
      const manifest = {
        name: 'consumer',
        private: true,
        type: 'module',
        dependencies: {
          '@dorkos/db': `file:../${packed}`,
          'better-sqlite3': root.devDependencies['better-sqlite3'],
          'drizzle-orm': root.dependencies['drizzle-orm'],
        },
      };
      writeFileSync(join(project, 'package.json'), JSON.stringify(manifest));
      execFileSync(BUN, ['install', '--no-save'], { cwd: project, stdio: 'pipe' });
    },
    { timeout: INSTALL_MS },
  );

  after(() => folder[Symbol.dispose]());

  it('holds what it says it publishes, and nothing else', () => {
    const packed = join(project, 'node_modules/@dorkos/db');
    const names = readdirSync(packed).filter((name) => name !== '.bun-tag');
    const documents = ['BENCHMARKS', 'CHANGELOG', 'CONTRIBUTING', 'README', 'RELIABILITY', 'SECURITY'].map(
      (name) => `${name}.md`,
    );
    const expected = [...documents, 'LICENSE', 'dist', 'docs', 'drizzle', 'examples', 'package.json'];
    assert.deepEqual(names.sort(), expected.sort());
    const links = [...readFileSync(join(packed, 'README.md'), 'utf8').matchAll(/\]\(([\w./-]+)\)/g)];
    assert.ok(links.length > 5);
    for (const [, target = ''] of links) assert.ok(existsSync(join(packed, target)), `README links to ${target}`);
  });

  it('opens and writes on Bun, then reads and writes the same file on Node', () => {
    const file = folder.file('both.db');
    assert.deepEqual(runJson(BUN, 'write.ts', file, 'from-bun'), { driver: 'bun:sqlite', ids: ['from-bun'] });
    assert.deepEqual(runJson(NODE, 'write.ts', file, 'from-node'), {
      driver: 'better-sqlite3',
      ids: ['from-bun', 'from-node'],
    });
    assert.deepEqual(runJson(BUN, 'write.ts', file, 'again'), {
      driver: 'bun:sqlite',
      ids: ['again', 'from-bun', 'from-node'],
    });
  });

  it('lets a Bun process and a Node process write one file at once for 5 seconds and loses nothing', {
    timeout: 60_000,
  }, async () => {
    const file = folder.file('at-once.db');
    runJson(BUN, 'write.ts', file, 'first');
    const writers = [BUN, NODE].map(
      (command) =>
        new Promise<{ committed: number; worker: string }>((resolve, reject) => {
          const child = spawn(command, ['write-for.ts', file, '5000'], { cwd: project });
          let out = '';
          let err = '';
          child.stdout.on('data', (chunk) => (out += chunk));
          child.stderr.on('data', (chunk) => (err += chunk));
          child.on('close', (code) => (code === 0 ? resolve(JSON.parse(out)) : reject(new Error(err))));
        }),
    );
    const done = await Promise.all(writers);
    const report = runJson(NODE, 'check.ts', file) as {
      rows: Record<string, number>;
      integrity: string;
      violations: number;
    };
    for (const { worker, committed } of done) {
      assert.ok(committed > 0);
      assert.equal(report.rows[worker], committed, `${worker} lost commits`);
    }
    assert.equal(report.integrity, 'ok');
    assert.equal(report.violations, 0);
  });

  it('runs as a compiled Bun binary from another folder', { timeout: 120_000 }, () => {
    const binary = folder.file('compiled');
    execFileSync(BUN, ['build', '--compile', 'write.ts', '--outfile', binary], { cwd: project, stdio: 'pipe' });
    mkdirSync(folder.file('elsewhere'));
    const file = folder.file('compiled.db');
    const stdout = execFileSync(binary, [file, 'compiled'], {
      cwd: folder.file('elsewhere'),
      encoding: 'utf8',
      env: {},
    });
    assert.deepEqual(JSON.parse(stdout), { driver: 'bun:sqlite', ids: ['compiled'] });
  });

  it('takes what is loaded late along in a compiled Bun binary', { timeout: 120_000 }, () => {
    const binary = folder.file('compiled-backup');
    execFileSync(BUN, ['build', '--compile', 'back-up.ts', '--outfile', binary], { cwd: project, stdio: 'pipe' });
    const stdout = execFileSync(binary, [folder.file('saved.db')], { cwd: folder.path, encoding: 'utf8', env: {} });
    const { rows, isSame, restored } = JSON.parse(stdout);
    assert.deepEqual({ rows, isSame, restored }, { rows: 20_000, isSame: true, restored: 20_000 });
  });

  it('runs as one file by esbuild that is alone in its folder, without a line for it in the configuration', () => {
    const esbuild = join(ROOT, 'node_modules', '.bin', 'esbuild');
    for (const [format, name] of [
      ['esm', 'main.mjs'],
      ['cjs', 'main.js'],
    ] as const) {
      const alone = folder.file(`alone-${format}`);
      const outfile = join(alone, name);
      const line = ['back-up.ts', '--bundle', '--platform=node', `--format=${format}`, `--outfile=${outfile}`];
      const built = run(esbuild, ...line, '--log-level=warning');
      assert.deepEqual([built.status, built.stderr], [0, '']);
      assert.deepEqual(readdirSync(alone), [name]);
      const env = { PATH: process.env.PATH, HOME: alone };
      const backUp = (...args: string[]) => {
        const line = [...args, join(alone, `${count++}.db`)];
        const { stdout, stderr } = spawnSync(NODE, line, { cwd: alone, env, encoding: 'utf8' });
        assert.equal(stderr, '');
        const { driver, rows, isSame, restored } = JSON.parse(stdout);
        assert.deepEqual([rows, isSame, restored], [20_000, true, 20_000]);
        return driver;
      };
      let count = 0;
      assert.equal(backUp(outfile), 'node:sqlite');
      if (format === 'cjs') assert.equal(backUp('-e', AS_TEXT, outfile), 'node:sqlite');
      // A host may put the faster driver next to it.
      mkdirSync(join(alone, 'node_modules'));
      symlinkSync(
        join(project, 'node_modules', 'better-sqlite3'),
        join(alone, 'node_modules', 'better-sqlite3'),
        'junction',
      );
      assert.equal(backUp(outfile), 'better-sqlite3');
    }
  });

  it('gives a host its own command line, on both runtimes and in a compiled Bun binary', { timeout: 120_000 }, () => {
    const binary = folder.file('notes-db');
    execFileSync(BUN, ['build', '--compile', 'notes-db.ts', '--outfile', binary], { cwd: project, stdio: 'pipe' });
    for (const [i, line] of [[BUN, 'notes-db.ts'], [NODE, 'notes-db.ts'], [binary]].entries()) {
      const [command = '', ...script] = line;
      const file = folder.file(`notes-${i}.db`);
      const json = (...args: string[]) => runJson(command, ...script, ...args, '--db', file, '--json');
      json('migrate');
      const { rows } = json('backup') as { rows: Record<string, number> };
      assert.deepEqual(rows, { notes: 0 });
      assert.match(run(command, ...script, 'status', '--db', file).stdout, /1 migration applied/);
      const refused = run(command, ...script, 'doctor', '--db', '');
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /^Error: /);
    }
  });

  it('carries nothing of a command line in a program that has none', () => {
    const esbuild = join(ROOT, 'node_modules', '.bin', 'esbuild');
    const args = ['--bundle', '--platform=node', '--format=esm', '--external:better-sqlite3', '--external:bun:sqlite'];
    const sizes = ['write.ts', 'notes-db.ts'].map((script) => {
      const text = execFileSync(esbuild, [script, ...args], { cwd: project, encoding: 'utf8', maxBuffer: 2 ** 26 });
      assert.equal(/commander\.|InvalidArgumentError/.test(text), script === 'notes-db.ts', script);
      return text.length;
    });
    assert.ok((sizes[0] ?? 0) < (sizes[1] ?? 0));
  });

  it('has the command on both runtimes', () => {
    const bin = join(project, 'node_modules', '.bin', 'dork-db');
    const file = folder.file('command.db');
    for (const command of [NODE, BUN]) {
      const migrated = runJson(command, bin, 'migrate', '--db', file, '--json') as { filename: string };
      assert.equal(migrated.filename, file);
      const status = runJson(command, bin, 'status', '--db', file, '--json') as { state: string; driver: string };
      assert.equal(status.state, 'current');
      assert.equal(status.driver, command === BUN ? 'bun:sqlite' : 'better-sqlite3');
    }
    assert.equal(run(NODE, bin, 'status', '--nope').status, 2);
    const refused = JSON.parse(run(NODE, bin, 'migrate', '--db', '', '--json').stdout);
    assert.equal(refused.error.name, 'InvalidInputError', 'a bundler renamed the error');
  });

  it('has one Db type on both entries and for transactions, and columns that are checked', () => {
    for (const resolution of ['bundler', 'nodenext']) {
      const compilerOptions = {
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        target: 'es2024',
        lib: ['es2024', 'esnext.disposable'],
        types: [],
        module: resolution === 'bundler' ? 'preserve' : 'nodenext',
        moduleResolution: resolution,
      };
      writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['types.ts'] }));
      const { status, stdout } = run(join(ROOT, 'node_modules', '.bin', 'tsc'), '-p', '.');
      assert.equal(status, 0, `${resolution}: ${stdout}`);
    }
  });

  it('runs on Node’s own SQLite where better-sqlite3 is missing', () => {
    const driver = join(project, 'node_modules', 'better-sqlite3');
    renameSync(driver, folder.file('set-aside'));
    try {
      const file = folder.file('without.db');
      const { status, stderr } = run(NODE, 'node_modules/@dorkos/db/dist/cli/main.js', 'migrate', '--db', file);
      assert.equal(status, 0, stderr);
      assert.equal(stderr, '');
      const first = run(NODE, 'write.ts', file, 'from-node');
      assert.deepEqual(JSON.parse(first.stdout), { driver: 'node:sqlite', ids: ['from-node'] }, first.stderr);
      assert.deepEqual(runJson(BUN, 'write.ts', file, 'from-bun'), {
        driver: 'bun:sqlite',
        ids: ['from-bun', 'from-node'],
      });
    } finally {
      renameSync(folder.file('set-aside'), driver);
    }
  });
});
