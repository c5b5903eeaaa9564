import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { backup, createDb } from '#entry';
import { ROOT } from '../../support/runtime.ts';
import { PAIRED, type Place } from '../jobs/pairs.ts';
import { assertSound, writeHome } from '../oracle.ts';
import type { Bench, Experiment, Scenario } from '../scenario.ts';
import { runtimesOf } from './together.ts';

/** Every pair of two operations, an operation with itself too. */
const NAMES = Object.keys(PAIRED);
const ALL = NAMES.flatMap((one, i) => NAMES.slice(i).map((other) => [one, other] as const));

/** In a quick run the pairs are this far apart; a prime to their number, so that more rounds meet all. */
const STRIDE = 29;

/** How long a round lasts, in milliseconds. */
const ROUND_MS = 1500;

/** What a sound file must never be told to be, whoever else uses it. */
const UNTRUE = /CORRUPT|NOTADB|NOT_A_DATABASE|IOERR|READONLY|TRUNCATED|LOST_|DAMAGED|MISMATCH|MIGRATION_/;

interface Told {
  readonly done?: { readonly done: number; readonly refused: Readonly<Record<string, string>> };
  readonly unexpected?: string;
}

/** Builds the library that slows flushes down; undefined if there is no compiler. */
function slowLibrary(folder: string): string | undefined {
  const library = join(folder, 'slow.so');
  const source = join(ROOT, 'test', 'faults', 'slow.c');
  const { status } = spawnSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
  return status === 0 && existsSync(library) ? library : undefined;
}

/** The ids that were acknowledged and are in none of the files. */
function missingOf(log: string, files: readonly string[]): string[] {
  const found = new Set<unknown>();
  for (const file of files) {
    using db = createDb(file, { migrations: 'skip' });
    for (const [id] of db.$client.prepare("SELECT id FROM relay_index WHERE subject = 'pairs'").values()) found.add(id);
  }
  const acknowledged = readFileSync(log, 'latin1').split('\n').slice(0, -1);
  return acknowledged.filter((id) => !found.has(id));
}

/**
 * Lets two operations run beside a writer.
 *
 * @param pairOf The two operations of a round.
 * @param before Shell commands before those of each process.
 */
export async function preparePairs(
  bench: Bench,
  pairOf: (round: number) => readonly [string, string],
  before = '',
): Promise<Experiment> {
  const { folder, side, start } = bench;
  const model = join(folder, 'model');
  mkdirSync(join(model, 'home', 'backups'), { recursive: true });
  writeHome(join(model, 'home', 'dork.db'), model, ['ada'], 5);
  {
    using db = createDb(join(model, 'home', 'dork.db'));
    await backup(db, { to: join(model, 'backup.db') });
  }
  cpSync(join(ROOT, 'test', 'fixtures', 'legacy-home'), join(model, 'older'), { recursive: true });
  const library = slowLibrary(folder);
  return async ({ number, folder: round }) => {
    const [one, other] = pairOf(number);
    cpSync(model, round, { recursive: true });
    const file = join(round, 'home', 'dork.db');
    const log = join(round, 'acknowledged.txt');
    const until = Date.now() + ROUND_MS + 700;
    const env: Record<string, string> = library ? { LD_PRELOAD: library, SLOW_MS: '15' } : {};
    const runtimes = runtimesOf(side, 3);
    const placeOf = (name: string): Place => {
      const own = join(round, name);
      mkdirSync(own);
      const [backups, copy] = [join(round, 'home', 'backups'), join(round, 'backup.db')];
      return { file, backups, backup: copy, older: join(round, 'older'), own };
    };
    await using writer = start('commits', { file, log, until }, { runtime: runtimes[0] ?? 'bun', before });
    await writer.next();
    const jobs = [one, other].map((operation, i) =>
      start('again', { operation, until, ...placeOf(`own-${i}`) }, { runtime: runtimes[i + 1] ?? 'bun', env, before }),
    );
    try {
      const told = await Promise.all([writer, ...jobs].map((job) => job.last<Told>()));
      for (const [i, { done, unexpected }] of told.entries()) {
        const who = ['the writer', one, other][i];
        assert.ok(done, `${who} beside ${one} and ${other}: ${unexpected}`);
        const untrue = Object.entries(done.refused).filter(([code]) => UNTRUE.test(code));
        assert.deepEqual(untrue, [], `${who} beside ${one} and ${other}`);
      }
    } finally {
      for (const job of jobs) await job.kill();
    }
    const folders = readdirSync(join(round, 'home', 'backups')).filter((name) => name.startsWith('replaced-'));
    const kept = folders.map((name) => join(round, 'home', 'backups', name, 'dork.db'));
    {
      using db = createDb(file);
      assertSound(db);
    }
    assert.deepEqual(missingOf(log, [file, ...kept]), [], `acknowledged, and gone after ${one} and ${other}`);
    return library ? 'with slow flushes' : 'without slow flushes';
  };
}

/** Two operations at once beside a process that commits. */
export const PAIRS_AT_ONCE: Scenario = {
  name: 'pairs',
  promise: 'Any two operations at the same time, beside a process that commits, lose no commit and say nothing untrue.',
  sides: ['mixed', 'bun', 'node'],
  rounds: { quick: 8, usual: ALL.length * 2 },
  prepare: (bench) => preparePairs(bench, (round) => ALL[(round * STRIDE) % ALL.length] ?? ['open', 'open']),
};
