/**
 * Every code block of README, docs, examples and doc comments: what is a program is compiled and run on the runtimes it
 * names, in a project that has the package installed; what is a quotation is compared; what is a command is run.
 *
 * - `ts`, `ts bun`, `ts node`: a program. `ts from=FILE`: lines of a file that another test runs.
 * - `ts file=NAME`, `sh walk`: files and commands of one walk through a document, which walk.test.ts takes.
 * - `sh`: run by bash in a DorkOS home, those of one document one after the other. `sh ci`: lines of `.ci/run`.
 *   `sh install`: what installs the package. `sh project`: scripts of this project. `sh litestream`, `sh machines`: see
 *   those tests.
 * - `json`: parsed. `text`: anything else.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { createDb } from '#entry';
import { assertBuilt } from '../support/built.ts';
import { COMPILER_OPTIONS, consumerProject, installCommand } from '../support/consumer-project.ts';
import { BUN, NODE, ROOT } from '../support/runtime.ts';
import { blocksBelow, type CodeBlock } from './code-blocks.ts';
import { markdownAtTop } from './links.ts';
import { fileOf, programOf, quotedFile, runtimesOf } from './program.ts';

const DOCUMENTS = [...markdownAtTop(ROOT), 'docs', 'examples'];
const KINDS =
  /^(ts( bun| node| from=\S+| file=\S+)?|sh( ci| install| project| litestream| walk| machines [a-z ]+)?|json|text)$/;
const RUN_MS = 30_000;

/** `BENCH_ROWS=1000 bun run bench`: variables, then a script of package.json, the tests, or a file. */
const PROJECT_SCRIPT = /^(?:\w+=\S+ )*(?:bun (run|test) |(?:bun|node|git) )(\S+)?/;

const blocks = [...blocksBelow(ROOT, DOCUMENTS, '.md'), ...blocksBelow(ROOT, ['src'], '.ts')];

/** A shell block of nothing but scripts of this project needs no word that says so. */
function kindOf(block: CodeBlock): string {
  const kind = [block.language, ...block.words].join(' ');
  return kind === 'sh' && shellLines(block).every((line) => PROJECT_SCRIPT.test(line)) ? 'sh project' : kind;
}
const placeOf = ({ file, line }: CodeBlock) => `${file}:${line}`;
const isProgram = (block: CodeBlock) => block.language === 'ts' && !quotedFile(block) && !fileOf(block);
const programs = blocks.filter(isProgram);
const quotations = blocks.filter((block) => quotedFile(block) !== undefined);
const commands = blocks.filter((block) => kindOf(block) === 'sh');
const ofKind = (kind: string) => blocks.filter((block) => kindOf(block) === kind);

/** What is in the home where the commands of a document run. Default: nothing. */
const HOMES: Record<string, (home: string) => void> = {
  'docs/upgrade.md': (home) => {
    cpSync(join(ROOT, 'test', 'fixtures', 'legacy-home'), home, { recursive: true });
    const write = (name: string, release: string) => {
      const bytes = readFileSync(join(ROOT, 'test', 'fixtures', 'dorkos-releases', `${release}.db.gz`));
      writeFileSync(join(home, name), gunzipSync(bytes));
    };
    write('dork.db', 'august-2026');
    // Of an upgrade before this one.
    write('dork-moved-20260101T000000000Z.db', 'migration-5');
  },
  'docs/sunday.md': (home) => {
    mkdirSync(home, { recursive: true });
    createDb(join(home, 'dork.db')).$client.close();
  },
};

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

/** The lines of a shell block without their comments. */
function shellLines({ code }: CodeBlock): string[] {
  return code
    .split('\n')
    .map((line) => line.replace(/(^|\s)# .*$/, '').trim())
    .filter((line) => line !== '');
}

describe('the code of the documentation', () => {
  let project: ReturnType<typeof consumerProject>;

  before(() => {
    assertBuilt();
    project = consumerProject();
  });
  after(() => project[Symbol.dispose]());

  function nameOf({ file, line }: Pick<CodeBlock, 'file' | 'line'>): string {
    return `${file.replaceAll(/[/.]/g, '-')}-${line}`;
  }

  const homeOf = (file: string) => nameOf({ file, line: 0 });

  function run(command: string, args: string[], name: string, env: Record<string, string> = {}) {
    const home = project.file(name);
    mkdirSync(home, { recursive: true });
    return spawnSync(command, args, {
      cwd: home,
      encoding: 'utf8',
      timeout: RUN_MS,
      env: { ...process.env, ...env, DORK_HOME: home, NO_COLOR: '1' },
    });
  }

  it('is of kinds that are known here, and there is some of each', () => {
    assert.deepEqual(
      blocks.filter((block) => !KINDS.test(kindOf(block))).map((block) => `${placeOf(block)} ${kindOf(block)}`),
      [],
    );
    assert.ok(programs.length > 20 && quotations.length > 2 && commands.length > 3);
  });

  it('compiles against the types that are published', { timeout: RUN_MS }, () => {
    for (const block of programs) writeFileSync(project.file(`${nameOf(block)}.ts`), programOf(block));
    // Each block is a file of its own.
    const compilerOptions = { ...COMPILER_OPTIONS, moduleDetection: 'force' };
    const files = programs.map((block) => `${nameOf(block)}.ts`);
    writeFileSync(project.file('tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    const { status, stdout } = spawnSync(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', '.'], {
      cwd: project.path,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout);
  });

  for (const block of programs) {
    for (const runtime of runtimesOf(block)) {
      it(`runs on ${runtime}: ${placeOf(block)}`, { timeout: RUN_MS }, () => {
        const path = project.file(`${nameOf(block)}.ts`);
        writeFileSync(path, programOf(block));
        const { status, stderr } = run(runtime === 'bun' ? BUN : NODE, [path], `${nameOf(block)}-${runtime}`);
        assert.equal(status, 0, stderr);
      });
    }
  }

  for (const file of new Set(commands.map((block) => block.file))) {
    it(`runs in a shell: ${file}`, { timeout: RUN_MS * 2 }, () => {
      const bin = installCommand(project, NODE);
      const env = { PATH: `${bin}:${process.env.PATH}` };
      HOMES[file]?.(project.file(homeOf(file)));
      for (const block of commands.filter((other) => other.file === file)) {
        const { status, stdout, stderr } = run('bash', ['-euo', 'pipefail', '-c', block.code], homeOf(file), env);
        assert.equal(status, 0, `${placeOf(block)}\n${stdout}${stderr}`);
      }
    });
  }

  it('quotes files as they are', () => {
    for (const block of quotations) {
      const file = quotedFile(block) as string;
      assert.match(file, /^(examples|src|drizzle|\.githooks)\//, `${placeOf(block)} quotes what no test runs`);
      assert.ok(read(file).includes(block.code.trim()), `${placeOf(block)} is not in ${file}`);
    }
  });

  it('tells a newcomer to run what CI runs', () => {
    const ci = read('.ci/run');
    for (const block of ofKind('sh ci')) {
      for (const command of shellLines(block).flatMap((line) => line.split(' && '))) {
        const short = command
          .replace(/^npx -y bun@\S+ /, 'bun ')
          .replace(/^bun install$/, 'bun install --frozen-lockfile');
        assert.ok(ci.split('\n').includes(short), `${placeOf(block)}: ${command}`);
        assert.ok(ci.includes(/^npx -y bun@\S+/.exec(command)?.[0] ?? command), `another Bun: ${command}`);
      }
    }
  });

  it('installs this package and the driver that it wants', () => {
    const { name, peerDependencies } = JSON.parse(read('package.json'));
    for (const line of ofKind('sh install').flatMap(shellLines)) {
      assert.match(line, /^(bun add|npm install) /);
      const isForDevelopers = / (--dev|--save-dev) drizzle-kit$/.test(line);
      assert.ok(isForDevelopers || line.split(' ').includes(name), line);
      const driver = /better-sqlite3@(\d+)$/.exec(line);
      if (driver) assert.equal(`>=${driver?.[1]}.0.0`, peerDependencies['better-sqlite3'].split(' ')[0]);
    }
  });

  it('names scripts of this project that there are', () => {
    const { scripts } = JSON.parse(read('package.json'));
    for (const line of ofKind('sh project').flatMap(shellLines)) {
      const [, kind, name] = PROJECT_SCRIPT.exec(line) ?? [];
      if (kind === 'run') assert.ok(name && name in scripts, line);
      else if (line.startsWith('git config')) assert.ok(existsSync(join(ROOT, line.split(' ').at(-1) as string)), line);
      else assert.ok(name && existsSync(join(ROOT, name)), line);
    }
  });

  it('has JSON that can be read', () => {
    for (const block of blocks.filter(({ language }) => language === 'json')) JSON.parse(block.code);
  });
});
