/**
 * Runs the tests on Bun and on Node 24 with both of its drivers, and the faults on all three, and adds up what each
 * runner counted. Its last line is `N passed, N failed`, and before it are the lines of what failed. A suite that ran no
 * test has failed. `test:bun:2` is the script `test:bun` in two halves, each a suite.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundlePrograms } from '../test/support/programs.ts';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** What the runners printed of tests and faults that failed. */
  readonly failures: readonly string[];
}

/** A script of package.json, or a part of its files. */
interface Suite {
  readonly script: string;
  /** As both runners take it: `1/2`. */
  readonly shard: string;
}

const root = join(import.meta.dir, '..');

/**
 * For every process on Node that runs the sources: a process took 0.7 s of CPU time, most of it to find files and to
 * strip types; with these 0.3 s. Both reach every process that a test starts.
 */
const compileCache = mkdtempSync(join(tmpdir(), 'dorkos-db-compiled-'));
const QUICK_NODE = {
  NODE_OPTIONS: `--import=${pathToFileURL(join(root, 'test', 'support', 'quick-modules.mjs'))}`,
  NODE_COMPILE_CACHE: compileCache,
};

/** What each runner prints at its end: bun test and the faults `3 pass`, node --test `ℹ pass 3`. */
function count(output: string, words: readonly string[]): number {
  const plain = Bun.stripANSI(output);
  return words
    .map((word) => [...plain.matchAll(new RegExp(`^\\s*(?:ℹ ${word} (\\d+)|(\\d+) ${word})$`, 'gm'))].at(-1))
    .reduce((sum, match) => sum + Number(match?.[1] ?? match?.[2] ?? 0), 0);
}

/** How each runner prints what failed. */
const FAILURE = /^(?:\(fail\)|\s*✖|LOST) .*/gm;

/** Runs one suite, shows its lines as they come, and reads its counts. */
async function run({ script, shard }: Suite): Promise<Counts> {
  const name = shard === '1/1' ? script : `${script} ${shard}`;
  const started = performance.now();
  const child = Bun.spawn([process.execPath, 'run', script], {
    cwd: root,
    stdout: 'pipe',
    stderr: 'pipe',
    // picocolors takes FORCE_COLOR=0, and CI alone, as a wish for colors; the tests read what commands print.
    env: { ...process.env, ...QUICK_NODE, TEST_SHARD: shard, NO_COLOR: '1', FORCE_COLOR: undefined },
  });
  const show = async (stream: ReadableStream<Uint8Array>, to: NodeJS.WriteStream): Promise<string> => {
    let text = '';
    let shown = 0;
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      text += decoder.decode(chunk, { stream: true });
      // Whole lines, since another suite writes at the same time.
      const end = text.lastIndexOf('\n') + 1;
      to.write(text.slice(shown, end));
      shown = end;
    }
    to.write(text.slice(shown));
    return text;
  };
  console.log(`\n== ${name}`);
  const texts = await Promise.all([show(child.stdout, process.stdout), show(child.stderr, process.stderr)]);
  const code = await child.exited;
  const output = texts.join('\n');
  const passed = count(output, ['pass']);
  const failed = count(output, ['fail', 'cancelled', 'skip', 'skipped', 'todo']);
  const isFailed = code !== 0 || passed === 0;
  const failures = isFailed ? [`${name} ended with ${code}`, ...(Bun.stripANSI(output).match(FAILURE) ?? [])] : [];
  const counts = { passed, failed: isFailed ? Math.max(failed, 1) : failed, failures };
  console.log(
    `${name}: ${Math.round((performance.now() - started) / 1000)} s, ${passed} passed, ${counts.failed} failed`,
  );
  return counts;
}

/** Returns the suites of an argument. */
function suitesOf(argument: string): Suite[] {
  const [, script = argument, parts = '1'] = /^(.+):(\d+)$/.exec(argument) ?? [];
  return Array.from({ length: Number(parts) }, (_, i) => ({ script, shard: `${i + 1}/${parts}` }));
}

/** Runs suites in their order, so many at a time. */
async function runAll(suites: readonly Suite[], lanes: number): Promise<Counts[]> {
  const waiting = [...suites];
  const counts: Counts[] = [];
  const lane = async () => {
    for (let suite = waiting.shift(); suite !== undefined; suite = waiting.shift()) counts.push(await run(suite));
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return counts;
}

await bundlePrograms();

// A suite waits for its processes for a third of the time, so three of them fill two processors. The longest begin.
const counts = await runAll(process.argv.slice(2).flatMap(suitesOf), 3);
const passed = counts.reduce((sum, each) => sum + each.passed, 0);
const failed = counts.reduce((sum, each) => sum + each.failed, 0);
rmSync(compileCache, { recursive: true, force: true });
for (const line of new Set(counts.flatMap(({ failures }) => failures))) console.log(line);
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
