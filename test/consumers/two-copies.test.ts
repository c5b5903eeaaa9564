import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createDb, DenialList } from '#entry';
import { assertBuilt } from '../support/built.ts';
import { temporaryFolder } from '../support/folder.ts';
import { NODE, ROOT } from '../support/runtime.ts';

/** A host's plugin: the built package and the driver, both of its own. */
function plugin(folder: string, major?: number): string {
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'better-sqlite3'), { recursive: true });
  cpSync(join(ROOT, 'dist'), join(modules, '@dorkos', 'db', 'dist'), { recursive: true });
  cpSync(join(ROOT, 'node_modules', 'better-sqlite3'), join(modules, 'better-sqlite3'), {
    recursive: true,
    dereference: true,
    filter: (path) => !/[/\\](deps|src)([/\\]|$)/.test(path.slice(ROOT.length)),
  });
  if (major !== undefined) {
    const path = join(modules, 'better-sqlite3', 'package.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace(/"version": "13\./, `"version": "${major}.`));
  }
  return join(modules, '@dorkos', 'db', 'dist', 'node.js');
}

interface Told {
  readonly acknowledged: number;
  readonly refusal: string | null;
  readonly libraries: number;
  readonly errors: readonly object[];
}

function together(first: string, second: string, file: string): Told {
  const script = join(ROOT, 'test', 'consumers', 'fixtures', 'two-copies.mjs');
  const { stdout, stderr, signal } = spawnSync(NODE, [script, first, second, file], { encoding: 'utf8' });
  assert.equal(signal, 'SIGKILL', stderr);
  return JSON.parse(stdout) as Told;
}

describe('two copies of the package in one process of Node, on one file', () => {
  assertBuilt();
  // Only Linux shows what a process has loaded.
  const isLinux = process.platform === 'linux';

  it('use the driver that the first of them has loaded, and no commit is lost', { timeout: 120_000 }, () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    const [first, second] = ['a', 'b'].map((name) => plugin(folder.file(name)));
    const told = together(first ?? '', second ?? '', file);
    assert.deepEqual(told, { acknowledged: 150, refusal: null, libraries: isLinux ? 1 : told.libraries, errors: [] });
    using db = createDb(file);
    assert.equal(new DenialList(db).list().length, 150);
    assert.equal(db.$client.pragma('integrity_check', { simple: true }), 'ok');
  });

  it('with drivers that do not fit each other refuse the second by name', { timeout: 120_000 }, () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    const told = together(plugin(folder.file('a'), 14), plugin(folder.file('b')), file);
    assert.deepEqual([told.acknowledged, told.refusal, told.errors], [100, 'TWO_LIBRARIES', []]);
    using db = createDb(file);
    assert.equal(new DenialList(db).list().length, 100);
  });
});
