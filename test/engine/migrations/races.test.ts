import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readdirSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { history as dorkHistory } from '../../../drizzle/history.ts';
import { migrate } from '../../../src/engine/migrations/runner.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { type Started, start } from '../../support/processes.ts';
import { RUNTIME, type Runtime } from '../../support/runtime.ts';
import {
  FAMILY,
  fillFamily,
  historyOf,
  ledgerHashes,
  migration,
  open,
  REBUILD_PARENTS,
  writeFolder,
} from './support.ts';

const SOAK = process.env.DORK_SOAK === '1';
const ROUNDS = SOAK ? 20 : 5;
const RACERS = 8;

/** Time for every racer to read its line before the start. */
const LEAD_MS = SOAK ? 60 : 40;

/** Which runtimes race; the whole matrix takes minutes. */
const MIXES: Record<string, readonly Runtime[]> = {
  'Bun and Node': alternating('bun', 'node'),
  ...(SOAK && { 'Bun alone': alternating('bun'), 'Node alone': alternating('node') }),
};

function alternating(...runtimes: Runtime[]): Runtime[] {
  return Array.from({ length: RACERS }, (_, i) => runtimes[i % runtimes.length] as Runtime);
}

/** A data migration: run twice, it would be seen. */
const BUMP = migration(
  '0002_bump',
  "UPDATE parents SET name = name || '!'",
  "INSERT INTO parents SELECT 'copy of ' || id, name FROM parents",
);
const HISTORY = historyOf(FAMILY, REBUILD_PARENTS, BUMP);

for (const [mix, runtimes] of Object.entries(MIXES)) {
  describe(`${RACERS} processes that start at the same instant, ${mix}, from ${RUNTIME}`, () => {
    const racers: Started[] = [];

    after(async () => {
      for (const { child } of racers) child.stdin?.end();
      await Promise.all(racers.map(({ ended }) => ended));
    });

    async function race(round: object): Promise<{ applied?: number; agents?: number; error?: string }[]> {
      if (racers.length === 0) {
        for (const runtime of runtimes) racers.push(start('test/engine/migrations/fixtures/racer.ts', [], { runtime }));
        for (const racer of racers) assert.equal(await racer.next(), 'ready');
      }
      const line = JSON.stringify({ ...round, at: Date.now() + LEAD_MS });
      for (const { child } of racers) child.stdin?.write(`${line}\n`);
      return Promise.all(racers.map((racer) => racer.next<{ applied?: number; agents?: number; error?: string }>()));
    }

    it(`make one new dork.db between them, ${ROUNDS} times`, { timeout: 300_000 }, async () => {
      for (let round = 0; round < ROUNDS; round++) {
        using folder = temporaryFolder();
        const path = folder.file('dork.db');
        assert.deepEqual(await race({ path }), new Array(RACERS).fill({ agents: 0 }));
        using connection = open(path);
        assert.deepEqual(
          ledgerHashes(connection),
          dorkHistory.migrations.map(({ hash }) => hash),
        );
        assert.equal(connection.pragma('integrity_check', { simple: true }), 'ok');
      }
    });

    it(`bring an older file up once, data migrations too, ${ROUNDS} times`, { timeout: 300_000 }, async () => {
      using base = temporaryFolder();
      const migrations = writeFolder(base.file('drizzle'), HISTORY);
      const original = base.file('family.db');
      {
        using connection = open(original);
        migrate(connection, historyOf(FAMILY));
        fillFamily(connection, 200);
      }
      for (let round = 0; round < ROUNDS; round++) {
        using folder = temporaryFolder();
        const path = folder.file('family.db');
        copyFileSync(original, path);
        const answers = await race({ path, folder: migrations });
        assert.deepEqual(
          answers.map(({ applied, error }) => error ?? applied).sort(),
          [...new Array(RACERS - 1).fill(0), 2].sort(),
        );
        using connection = open(path);
        assert.deepEqual(
          ledgerHashes(connection),
          HISTORY.migrations.map(({ hash }) => hash),
        );
        assert.equal(connection.prepare('SELECT count(*) AS n FROM parents').get()?.n, 400);
        assert.equal(connection.prepare("SELECT name FROM parents WHERE id = 'copy of p7'").get()?.name, 'name 7!');
        assert.equal(connection.prepare('SELECT count(*) AS n FROM children').get()?.n, 600);
        assert.equal(connection.pragma('integrity_check', { simple: true }), 'ok');
        const backups = folder.file('backups');
        assert.ok(existsSync(backups));
        assert.equal(readdirSync(backups).length, 1);
      }
    });
  });
}
