/**
 * Runs what must hold of every driver on the oldest and the newest runtimes that have it, which npm gives into a temporary
 * folder, and prints what each counted: `bun run test:versions`, or some of them: `bun run test:versions 26 deno`. Takes
 * minutes and needs the network, so CI runs Node 24 alone.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { $ } from 'bun';

const root = join(import.meta.dir, '..');

/** The contract, what touches a driver, the stores, and two plugins in one process. */
const TESTS = [
  'test/driver.test.ts',
  'test/contract/**/*.test.ts',
  'test/engine/{connection,driver,backup}/**/*.test.ts',
  'test/engine/opening/{locks,replaced,threads}.test.ts',
  'test/dork/{pulse,relay,mesh}/**/*.test.ts',
  'test/consumers/two-copies.test.ts',
];

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

interface Leg {
  readonly name: string;
  run(folder: string): Promise<Counts>;
}

/** Installs a package from npm into a folder, and returns the path of its command. */
async function install(folder: string, name: string, version: string): Promise<string> {
  const prefix = join(folder, `${name}-${version}`);
  // With its scripts: `node` and `deno` fetch the binary for this system in them.
  await $`npm install --no-save --no-audit --no-fund --prefix ${prefix} ${name}@${version}`.quiet();
  return join(prefix, 'node_modules', '.bin', name);
}

function folderIn(folder: string, name: string): string {
  mkdirSync(join(folder, name), { recursive: true });
  return join(folder, name);
}

async function counted(command: readonly string[], env: Record<string, string | undefined>): Promise<Counts> {
  const child = Bun.spawn([...command], {
    cwd: root,
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, DORK_DB_DRIVER: undefined, ...env },
  });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const output = Bun.stripANSI(`${stdout}\n${stderr}`);
  const count = (word: string) =>
    Number(new RegExp(`^\\s*(?:ℹ ${word} (\\d+)|(\\d+) ${word})$`, 'm').exec(output)?.slice(1).find(Boolean) ?? 0);
  const passed = count('pass');
  const failed = ['fail', 'cancelled', 'skip', 'skipped', 'todo'].reduce((sum, word) => sum + count(word), 0);
  if (code === 0 && passed > 0 && failed === 0) return { passed, failed };
  console.log(output);
  return { passed, failed: Math.max(failed, 1) };
}

/** The tests on a version of Node; `lowers` for one that knows neither types nor `using`. */
function node(version: string, driver: 'node:sqlite' | 'better-sqlite3', lowers = false): Leg {
  return {
    name: `Node ${version}, ${driver}`,
    async run(folder) {
      const command = await install(folder, 'node', version);
      console.log(`${version}: ${(await $`${command} --version`.text()).trim()}`);
      const hooks = ['quick-modules', ...(lowers ? ['lower-syntax'] : [])];
      const imports = hooks.map((name) => `--import=${pathToFileURL(join(root, 'test', 'support', `${name}.mjs`))}`);
      // For every process that a test starts too: most of its time goes to finding and lowering sources.
      const quick = { NODE_OPTIONS: imports.join(' '), NODE_COMPILE_CACHE: join(folder, 'compiled') };
      const env = { ...quick, DORK_TEST_LOWERED: lowers ? folderIn(folder, 'lowered') : undefined };
      return counted([command, '--test', '--test-reporter=spec', ...TESTS], { DORK_DB_DRIVER: driver, ...env });
    },
  };
}

const bunsOwn: Leg = {
  name: 'Bun, its own node:sqlite',
  run: () =>
    counted([process.execPath, 'test', '--timeout', '300000', 'test/driver.test.ts', 'test/contract'], {
      BUN_OPTIONS: `--preload=${join(root, 'test', 'support', 'bun-node-sqlite.ts')}`,
    }),
};

/** Deno is refused by name, and nothing is made. */
const deno: Leg = {
  name: 'Deno, refused',
  async run(folder) {
    const command = await install(folder, 'deno', 'latest');
    const script = join(folder, 'deno.mjs');
    const file = join(folder, 'deno.db');
    const entry = pathToFileURL(join(root, 'dist', 'node', 'node.js')).href;
    writeFileSync(
      script,
      `import { createDb } from ${JSON.stringify(entry)};
       try { createDb(${JSON.stringify(file)}); } catch (error) { console.log(error.code, error.message); }`,
    );
    const answer = (await $`${command} run --allow-all ${script}`.text()).trim();
    const isRefused = answer.startsWith('DENO ') && !(await Bun.file(file).exists());
    if (!isRefused) console.log(answer);
    return isRefused ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  },
};

const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { engines: { node: string } };
const oldest = engines.node.replace('>=', '');

const LEGS: readonly Leg[] = [
  node(oldest, 'better-sqlite3', true),
  node('22', 'better-sqlite3', true),
  // The first that keeps what it is given.
  node('24.16.0', 'node:sqlite'),
  node('24', 'node:sqlite'),
  node('26', 'node:sqlite'),
  node('26', 'better-sqlite3'),
  bunsOwn,
  deno,
];

const asked = process.argv.slice(2);
const legs = LEGS.filter(({ name }) => asked.length === 0 || asked.some((word) => name.toLowerCase().includes(word)));
if (legs.length === 0) throw new Error(`None of ${LEGS.map(({ name }) => name).join('; ')} has ${asked.join(', ')}`);
const folder = mkdtempSync(join(tmpdir(), 'dorkos-db-versions-'));
try {
  const lines: string[] = [];
  for (const leg of legs) {
    console.log(`== ${leg.name}`);
    const { passed, failed } = await leg.run(folder);
    lines.push(`${leg.name}: ${passed} passed, ${failed} failed`);
    if (failed > 0) process.exitCode = 1;
  }
  console.log(`\n${lines.join('\n')}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
