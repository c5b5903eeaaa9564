import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createDb, DenialList } from '#entry';
import { assertBuilt } from '../support/built.ts';
import { temporaryFolder } from '../support/folder.ts';
import { NODE, ROOT, RUNTIME } from '../support/runtime.ts';

/** A host's plugin: the built package of its own, and a driver if there is a major version. */
function plugin(folder: string, major: number | undefined): string {
  const modules = join(folder, 'node_modules');
  cpSync(join(ROOT, 'dist'), join(modules, '@dorkos', 'db', 'dist'), { recursive: true });
  if (major !== undefined) {
    const driver = join(modules, 'better-sqlite3');
    cpSync(join(ROOT, 'node_modules', 'better-sqlite3'), driver, {
      recursive: true,
      dereference: true,
      filter: (path) => !/[/\\](deps|src)([/\\]|$)/.test(path.slice(ROOT.length)),
    });
    const path = join(driver, 'package.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace(/"version": "13\./, `"version": "${major}.`));
  }
  return join(modules, '@dorkos', 'db', 'dist', 'node', 'node.js');
}

interface Told {
  readonly acknowledged: number;
  /** The code of each copy's refusal. */
  readonly refusals: readonly (string | null)[];
  /** False if a copy that was refused has created the file. */
  readonly isLeftAlone: boolean;
  readonly drivers: readonly (string | null)[];
  readonly libraries: number;
  readonly errors: readonly object[];
}

function together(file: string, plugins: readonly string[], ...where: string[]): Told {
  const script = join(ROOT, 'test', 'consumers', 'fixtures', 'two-copies.mjs');
  const { DORK_DB_DRIVER: _, ...env } = process.env;
  const line = [script, ...plugins, file, ...where];
  const { stdout, stderr, signal } = spawnSync(NODE, line, { encoding: 'utf8', env });
  assert.equal(signal, 'SIGKILL', stderr);
  assert.equal(stderr, '');
  return JSON.parse(stdout) as Told;
}

const BETTER = 'better-sqlite3';
/** Node's own driver; undefined before Node 24, whose SQLite loses data. */
const OWN = RUNTIME === 'node' && Number.parseInt(process.versions.node, 10) < 24 ? undefined : 'node:sqlite';

/** The driver of each copy: that of the first which has one. A copy that finds none before its first opening is refused. */
function driversOf(majors: readonly (number | undefined)[]): (string | null)[] {
  const [first, second] = majors.map((major) => (major === undefined ? OWN : BETTER));
  return first === undefined ? [null, second ?? null] : [first, first];
}

describe('two copies of the package in one process of Node, on one file', () => {
  assertBuilt();
  // Only Linux shows what a process has loaded.
  const isLinux = process.platform === 'linux';

  const cases: [what: string, majors: (number | undefined)[]][] = [
    ['each with its own better-sqlite3', [13, 13]],
    ['the first with better-sqlite3 and the second without', [13, undefined]],
    ['the second with better-sqlite3 and the first without', [undefined, 13]],
    ['both without', [undefined, undefined]],
  ];
  for (const [what, majors] of cases) {
    for (const where of [[], ['thread']]) {
      const place = where.length > 0 ? ', the second in a thread of its own' : '';
      it(`${what}${place}: use one library or are refused, and no commit is lost`, { timeout: 120_000 }, () => {
        using folder = temporaryFolder();
        const file = folder.file('dork.db');
        const plugins = majors.map((major, i) => plugin(folder.file(`p${i}`), major));
        const told = together(file, plugins, ...where);
        const drivers = driversOf(majors);
        const acknowledged = (drivers[0] ? 100 : 0) + (drivers[1] ? 50 : 0);
        assert.deepEqual(told, {
          acknowledged,
          refusals: drivers.map((driver) => (driver ? null : 'DRIVER_MISSING')),
          isLeftAlone: true,
          drivers,
          libraries: isLinux ? Number(drivers.includes(BETTER)) : told.libraries,
          errors: [],
        });
        assert.equal(existsSync(file), acknowledged > 0);
        if (acknowledged === 0) return;
        using db = createDb(file);
        assert.equal(new DenialList(db).list().length, acknowledged);
        assert.equal(db.$client.pragma('integrity_check', { simple: true }), 'ok');
      });
    }
  }

  for (const where of [[], ['thread']]) {
    const place = where.length > 0 ? ', in a thread of its own' : '';
    it(`with drivers that do not fit each other refuse the second${place}, by name`, { timeout: 120_000 }, () => {
      using folder = temporaryFolder();
      const file = folder.file('dork.db');
      const told = together(file, [plugin(folder.file('a'), 14), plugin(folder.file('b'), 13)], ...where);
      assert.deepEqual([told.acknowledged, told.refusals, told.errors], [100, [null, 'TWO_LIBRARIES'], []]);
      using db = createDb(file);
      assert.equal(new DenialList(db).list().length, 100);
    });
  }
});
