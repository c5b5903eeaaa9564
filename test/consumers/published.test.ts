/** What is published, as the registry would get it: its files, its entries and their types for every way to import them. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { assertBuilt } from '../support/built.ts';
import { temporaryFolder } from '../support/folder.ts';
import { BUN, NODE, ROOT } from '../support/runtime.ts';

/** This package is an ES module alone; Node 22.14 and newer `require()` those too. */
const ESM_ONLY = ['node10', 'node16-cjs'];

describe('the packed package', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let tarball: Uint8Array;
  let files: string[];
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const read = (name: string) => readFileSync(join(folder.path, 'package', name), 'utf8');

  before(() => {
    assertBuilt();
    folder = temporaryFolder();
    execFileSync(BUN, ['pm', 'pack', '--ignore-scripts', '--destination', folder.path, '--quiet'], { cwd: ROOT });
    const name = readdirSync(folder.path).find((entry) => entry.endsWith('.tgz')) as string;
    tarball = readFileSync(folder.file(name));
    execFileSync('tar', ['-xzf', name], { cwd: folder.path });
    files = readdirSync(folder.file('package'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.file('package').length + 1));
  });
  after(() => folder[Symbol.dispose]());

  it('has the code, its history, its documents and nothing of its making', () => {
    const kinds = [
      /^(package\.json|LICENSE)$/,
      /^(docs\/([\w-]+|decisions\/[\w-]+)|BENCHMARKS|CHANGELOG|CONTRIBUTING|README|RELIABILITY|SECURITY)\.md$/,
      /^examples\/(README\.md|[\w-]+\/[\w./-]+\.(ts|sql|json))$/,
      /^(dist\/LICENSES\.txt|docs\/console\.png)$/,
      /^drizzle\/(\d{4}_\w+\.sql|history\.ts|meta\/(_journal|\d{4}_snapshot)\.json)$/,
      /^dist\/types\/(src|drizzle)\/[\w/-]+\.d\.ts$/,
      /^dist\/[\w/-]+\.js$/,
    ];
    assert.deepEqual(
      files.filter((name) => !kinds.some((kind) => kind.test(name))),
      [],
    );
    for (const kind of kinds)
      assert.ok(
        files.some((name) => kind.test(name)),
        `${kind} is missing`,
      );
  });

  it('has every file that package.json names', () => {
    const targets = Object.values(manifest.exports).flatMap((target) =>
      typeof target === 'string' ? [target] : Object.values(target as Record<string, string>),
    );
    for (const target of [...targets, ...Object.values<string>(manifest.bin)])
      assert.ok(files.includes(normalize(target)), target);
    assert.equal(manifest.sideEffects, false);
    assert.deepEqual(Object.keys(manifest.engines), ['bun', 'node']);
  });

  it('has scripts whose names and lines can be read in a stack trace', () => {
    for (const name of files.filter((file) => file.endsWith('.js'))) {
      const lines = read(name).split('\n');
      const code = lines.filter((line) => line.length > 500 && /^\s*throw\b/.test(line));
      assert.deepEqual(code, [], name);
    }
    for (const [command, entry] of [
      [NODE, 'node/node.js'],
      [BUN, 'bun/index.js'],
    ] as const) {
      const script = folder.file(`throws-${entry.replace('/', '-')}.mjs`);
      const url = join(ROOT, 'dist', entry);
      writeFileSync(script, `import { createDb } from ${JSON.stringify(url)};\ncreateDb(${JSON.stringify(script)});\n`);
      const { stderr } = spawnSync(command, [script], { encoding: 'utf8' });
      assert.match(stderr, /^DatabaseOpenError: .* is not a SQLite database/m);
      assert.ok(stderr.length < 2000, stderr);
    }
  });

  it('names the license of every package whose code it has', () => {
    const licenses = read('dist/LICENSES.txt');
    for (const name of ['drizzle-orm', 'valibot', 'croner', 'commander', 'cli-progress', 'cli-table3', 'picocolors']) {
      assert.match(licenses, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+$`, 'm'));
    }
    assert.match(licenses, /Apache License/);
  });

  it('installs what its types need, and nothing else', () => {
    assert.deepEqual(Object.keys(manifest.dependencies), ['drizzle-orm']);
    const types = files.filter((file) => file.endsWith('.d.ts')).map(read);
    const packages = types.flatMap((text) =>
      [...text.matchAll(/(?:from |import\()["']((?:@[\w-]+\/)?[\w-]+)/g)].map(([, name]) => name),
    );
    assert.deepEqual([...new Set(packages)].sort(), ['drizzle-orm', 'node']);
  });

  it('imports without an effect: no file, no database, no driver', () => {
    const before = readdirSync(folder.path).length;
    for (const entry of ['index.js', 'schema.js', 'pulse/index.js', 'relay/index.js', 'mesh/index.js']) {
      const url = join(folder.path, 'package', 'dist', 'bun', entry);
      execFileSync(BUN, ['-e', `await import(${JSON.stringify(url)})`], {
        cwd: folder.path,
        env: { HOME: folder.path },
      });
    }
    assert.equal(readdirSync(folder.path).length, before);
  });

  it('passes publint', { timeout: 60_000 }, async () => {
    const { messages, pkg } = await publint({
      pack: { tarball: tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.length) as ArrayBuffer },
      strict: true,
    });
    assert.deepEqual(
      messages.map((message) => formatMessage(message, pkg as Record<string, unknown>)),
      [],
    );
  });

  it('has the right types for every entry, under each way to resolve them', { timeout: 60_000 }, async () => {
    const analysis = await checkPackage(createPackageFromTarballData(tarball));
    assert.ok(analysis.types, 'no types');
    const problems = analysis.problems.filter((problem) => {
      const kind = 'resolutionKind' in problem ? problem.resolutionKind : undefined;
      return !(kind !== undefined && ESM_ONLY.includes(kind));
    });
    assert.deepEqual(problems, []);
    assert.deepEqual(Object.keys(analysis.entrypoints).sort(), Object.keys(manifest.exports).sort());
  });
});
