import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDb, type Db, type ImportReceipt, importLegacy } from '#entry';
import { schedule } from '../../dork/legacy/fixtures/older-home.ts';
import { contents } from '../../engine/backup/support.ts';
import type { Random } from '../../kit/random.ts';
import { hostileText } from '../hostile.ts';
import { FILE_MUTATIONS, type Mutation } from '../mutations.ts';
import { acknowledgedIn, assertAcknowledged, assertNoWreckage, assertSound, writeHome } from '../oracle.ts';
import { EACH, type Scenario } from '../scenario.ts';
import { makeOlder } from './kill-import.ts';

const SOURCES = ['schedules.json', 'pulse.db', 'relay/index.db', 'mesh/mesh.db'] as const;
type Source = (typeof SOURCES)[number];

const SIZES = { runs: 200, messages: 300 };

/** Imports, and asserts what is promised whatever the files are. */
function importAgain(db: Db, home: string): ImportReceipt {
  const before = contents(home);
  const receipt = importLegacy(db, { home, keepOrphans: true });
  assert.deepEqual(contents(home), before, 'An older file was changed');
  for (const source of receipt.sources) {
    const { read, imported, updated, alreadyThere, deletedSince, setAside, error, status } = source;
    assert.equal(read, imported + updated + alreadyThere + deletedSince + setAside, `the sum of ${source.path}`);
    assert.equal(status === 'failed', error !== undefined);
    if (error) assert.ok(error.hint.length > 10 && imported === 0);
    const reasons = source.setAsideReasons.reduce((sum, { rows }) => sum + rows, 0);
    assert.equal(reasons, setAside, 'A row was set aside without a reason');
  }
  return receipt;
}

/** The other sources came whole, nothing is doubled by another import, and the database is well. */
function assertImported(
  db: Db,
  home: string,
  logs: string,
  spoiled: Source,
  whole: ReadonlyMap<string, number>,
): string {
  const receipt = importAgain(db, home);
  const of = (source: Source) => receipt.sources.find((each) => each.source === source);
  for (const source of SOURCES) {
    if (source === spoiled) continue;
    const { status, imported } = of(source) ?? {};
    assert.deepEqual({ status, imported }, { status: 'imported', imported: whole.get(source) }, source);
  }
  const again = importAgain(db, home);
  assert.equal(again.imported, 0, 'Another import brought something again');
  assertSound(db);
  assertAcknowledged(db, acknowledgedIn(logs), 'some');
  const { status, setAside = 0 } = of(spoiled) ?? {};
  return status === 'imported' && setAside > 0 ? 'rows set aside' : String(status);
}

function scenario(name: string, promise: string, rounds: Scenario['rounds'], spoil: Spoil): Scenario {
  return {
    name,
    promise,
    sides: EACH,
    rounds,
    mustMeet: ['failed', 'imported|rows set aside'],
    prepare: ({ folder: bench }) => {
      const model = join(bench, 'model');
      mkdirSync(model);
      writeHome(join(model, 'dork.db'), model, ['ada'], 10);
      makeOlder(join(bench, 'older'), SIZES);
      cpSync(model, join(bench, 'trial'), { recursive: true });
      using db = createDb(join(bench, 'trial', 'dork.db'));
      const whole = new Map(
        importAgain(db, join(bench, 'older')).sources.map(({ source, imported }) => [source, imported]),
      );
      return ({ number, random, folder }) => {
        const home = join(folder, 'older');
        cpSync(model, join(folder, 'new'), { recursive: true });
        cpSync(join(bench, 'older'), home, { recursive: true });
        const spoiled = spoil(home, number, random);
        using db = createDb(join(folder, 'new', 'dork.db'));
        const met = assertImported(db, home, join(folder, 'new'), spoiled, whole);
        db.$client.close();
        assertNoWreckage(folder);
        return met;
      };
    },
  };
}

/** Spoils one of the sources, and names it. */
type Spoil = (home: string, number: number, random: Random) => Source;

/** Other ways to find an older file. */
const WAYS: Readonly<Record<string, Mutation>> = {
  ...FILE_MUTATIONS,
  'a folder in its place': (file) => {
    rmSync(file);
    mkdirSync(file);
  },
  'an empty file': (file) => {
    writeFileSync(file, '');
  },
  'a -journal of noise': (file) => {
    writeFileSync(`${file}-journal`, 'noise'.repeat(1000));
  },
  'a -wal of noise': (file) => {
    writeFileSync(`${file}-wal`, 'noise'.repeat(1000));
  },
};

const DATABASES: readonly Source[] = ['pulse.db', 'relay/index.db', 'mesh/mesh.db'];

function damageOne(home: string, number: number, random: Random): Source {
  const ways: readonly Mutation[] = Object.values(WAYS);
  const source = DATABASES[number % DATABASES.length] ?? 'pulse.db';
  ways[number % ways.length]?.(join(home, source), random);
  return source;
}

/** What JSON can hold, and no schedule does. */
const JSON_VALUES: readonly ((random: Random) => unknown)[] = [
  () => null,
  () => true,
  () => -1,
  () => 1e308,
  () => 1e-320,
  () => [],
  () => ({}),
  () => JSON.parse('{"__proto__":{"polluted":true}}'),
  (random) => hostileText(random),
  () => 'x'.repeat(100_000),
  () => Array(1000).fill({ id: 'a' }),
  () => JSON.parse('['.repeat(2000) + ']'.repeat(2000)),
  (random) => [hostileText(random)],
];

/** The text of schedules.json with something wrong in it, or instead of it. */
function spoiledJson(text: string, random: Random): string | Uint8Array {
  const schedules = JSON.parse(text) as Record<string, unknown>[];
  for (let times = 1 + random.below(5); times > 0; times--) {
    const one = random.pick(schedules);
    const name = random.chance(0.1) ? hostileText(random) : random.pick(Object.keys(one));
    Object.defineProperty(one, name, { value: random.pick(JSON_VALUES)(random), enumerable: true, configurable: true });
  }
  const spoiled = JSON.stringify(schedules);
  const ways: readonly (() => string | Uint8Array)[] = [
    () => spoiled,
    () => spoiled,
    () => spoiled,
    () => JSON.stringify([...schedules, ...schedules, schedule('new')]),
    () => JSON.stringify([...schedules, random.pick(JSON_VALUES)(random)]),
    () => JSON.stringify({ schedules }),
    () => JSON.stringify(random.pick(JSON_VALUES)(random)),
    () => `\ufeff${text}`,
    () => Buffer.from(text, 'utf16le'),
    () => text.slice(0, random.below(text.length)),
    () => `${text}${text}`,
    () => text.replaceAll('"', "'"),
    () => text.replace('{', '{"__proto__":{"polluted":1},'),
    () => Buffer.from(Uint8Array.from({ length: 3000 }, () => random.below(256))),
  ];
  return random.pick(ways)();
}

export const OLDER_FILES: readonly Scenario[] = [
  scenario(
    'damaged-older-files',
    'A damaged older file is told in the receipt; the others come whole, none is changed, nothing is doubled.',
    { quick: 17, usual: 272 },
    damageOne,
  ),
  scenario(
    'hostile-older-json',
    'Whatever schedules.json holds, its rows are taken or set aside with a reason; the others come whole.',
    { quick: 10, usual: 300 },
    (home, _, random) => {
      const file = join(home, 'schedules.json');
      assert.ok(existsSync(file));
      writeFileSync(file, spoiledJson(readFileSync(file, 'utf8'), random));
      return 'schedules.json';
    },
  ),
];
