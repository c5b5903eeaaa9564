import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  createDb,
  type Db,
  exportDb,
  type ImportReceipt,
  importExport,
  importLegacy,
  moveReleaseAside,
  PulseStore,
} from '#entry';
import { agent, insert, rowsOf, TABLES } from '../../dork/legacy/fixtures/older-home.ts';
import { writeKilledRelease, writeRelease } from '../../dork/legacy/fixtures/release.ts';
import { ROOT } from '../../support/runtime.ts';
import { closedHome, fatten, fileIn } from '../homes.ts';
import { acknowledgedIn, assertAcknowledged, assertKept, assertNoWreckage, assertSound } from '../oracle.ts';
import { pause } from '../processes.ts';
import type { Bench } from '../scenario.ts';
import { killed, type Moment } from './kill.ts';

/** Every row of the older tables, without ids that an import makes. */
function contentOf(db: Db): Record<string, string[]> {
  return Object.fromEntries(
    TABLES.map((table) => {
      const made = table === 'relay_traces' || table === 'agent_denials' ? 'id' : '';
      const rows = rowsOf(db, table).map((row) => JSON.stringify({ ...row, [made]: undefined }));
      return [table, rows.sort()];
    }),
  );
}

const ASIDE = 'dork-moved-20260101T000000000Z.db';

/** A home with the three oldest files, a release's file that a killed server left, and one that was moved aside before. */
function olderHomeAt(home: string): void {
  cpSync(join(ROOT, 'test', 'fixtures', 'legacy-home'), home, { recursive: true });
  writeRelease(join(home, ASIDE), 'migration-5');
  writeKilledRelease(fileIn(home), 'august-2026');
}

/** What the older programs write meanwhile. */
function writeOlder(home: string): void {
  using memory = createDb(':memory:');
  using mesh = memory.$client.sibling(join(home, 'mesh', 'mesh.db'));
  insert(mesh, 'agents', [agent('came-later')]);
  using aside = memory.$client.sibling(join(home, ASIDE));
  aside.exec(`INSERT INTO agent_denials (id, path, created_at) VALUES ('later', '/later', '2026-08-01T00:00:00.000Z')`);
}

function importAll(home: string): ImportReceipt {
  moveReleaseAside(fileIn(home));
  using db = createDb(fileIn(home));
  const receipt = importLegacy(db, { home });
  assert.equal(receipt.failed, 0);
  for (const { read, imported, updated, alreadyThere, deletedSince, setAside } of receipt.sources)
    assert.equal(read, imported + updated + alreadyThere + deletedSince + setAside);
  return receipt;
}

/** The bytes of a release's file and its -wal. */
const bytesOf = (path: string) => ['', '-wal'].map((end) => readFileSync(path + end));

/** What the home comes to if nobody kills anything. */
let expected: { content: Record<string, string[]>; bytes: Buffer[]; durationMs: number };

/** Starts the import once more, and kills it at any moment. */
async function killAgain(home: string, bench: Bench): Promise<void> {
  await using job = bench.start('take-in', { file: fileIn(home), home });
  await job.next();
  await pause(Math.random() * expected.durationMs);
}

const TAKE_IN: Moment = {
  name: 'take-in',
  promise:
    'A release’s dork.db whose move aside or import is killed, twice, is moved whole, and comes in once with all of its home.',
  job: 'take-in',
  model: (home) => {
    olderHomeAt(home);
    const whole = `${home}-whole`;
    cpSync(home, whole, { recursive: true, preserveTimestamps: true });
    const bytes = bytesOf(fileIn(home));
    const began = performance.now();
    importAll(whole);
    const durationMs = performance.now() - began;
    writeOlder(whole);
    assert.equal(importAll(whole).imported, 2);
    using db = createDb(fileIn(whole));
    expected = { content: contentOf(db), bytes, durationMs };
    db.$client.close();
    rmSync(whole, { recursive: true });
  },
  args: (home) => ({ file: fileIn(home), home }),
  check: async (home, bench) => {
    const isMoved =
      !existsSync(fileIn(home)) ||
      readdirSync(home).filter((name) => /^dork-moved-\d+T\d+Z\.db$/.test(name)).length > 1;
    writeOlder(home);
    await killAgain(home, bench);
    importAll(home);
    const asides = readdirSync(home).filter((name) => /^dork-moved-\d+T\d+Z\.db$/.test(name));
    assert.equal(asides.length, 2);
    const moved = asides.find((name) => name !== ASIDE) ?? '';
    assert.deepEqual(bytesOf(join(home, moved)), expected.bytes);
    const changed = change(home);
    await killAgain(home, bench);
    const again = importAll(home);
    assert.deepEqual([again.imported, again.updated], [0, 0]);
    using db = createDb(fileIn(home));
    assertSound(db);
    assert.deepEqual(contentOf(db), changed);
    const left = readdirSync(home).filter((name) => /partial|moving|marker|import-/.test(name));
    assert.deepEqual(left, []);
    return isMoved ? 'moved' : 'as it was';
  },
  rounds: { quick: 1, usual: 50 },
  mustMeet: ['moved|as it was'],
};

/** Compares what came in, and then deletes a schedule and changes an agent here. Returns what is then there. */
function change(home: string): Record<string, string[]> {
  using db = createDb(fileIn(home));
  assertSound(db);
  assert.deepEqual(contentOf(db), expected.content);
  const pulse = new PulseStore(db);
  const [{ id } = assert.fail('there are schedules')] = pulse.getSchedules();
  assert.equal(pulse.deleteSchedule(id), true);
  db.$client.exec("UPDATE agents SET name = 'mine' WHERE id = 'came-later'");
  return contentOf(db);
}

const EXPORT: Moment = {
  name: 'export',
  promise: 'An export that is killed has no name or is whole; the next one removes what it left, and comes back equal.',
  job: 'export',
  model: (home) => {
    closedHome(home);
    fatten(home);
  },
  args: (home) => ({ file: fileIn(home), to: join(home, 'out') }),
  check: async (home) => {
    const to = join(home, 'out');
    const isWhole = existsSync(to);
    const left = readdirSync(home).filter((name) => name.includes('.partial'));
    assertKept(fileIn(home), home);
    if (isWhole) {
      await assertComesBack(home, to, 'first.db');
      rmSync(to, { recursive: true });
    }
    {
      using db = createDb(fileIn(home));
      await exportDb(db, { to });
    }
    await assertComesBack(home, to, 'next.db');
    assertNoWreckage(home);
    return isWhole ? 'whole' : left.length > 0 ? 'half an export' : 'none';
  },
  rounds: { quick: 1, usual: 50 },
  mustMeet: ['half an export|none|whole'],
};

async function assertComesBack(home: string, from: string, name: string): Promise<void> {
  await importExport({ from, to: join(home, name) });
  using db = createDb(join(home, name));
  assertSound(db);
  assertAcknowledged(db, acknowledgedIn(home), 'some');
}

export const KILL_TAKE_IN = [TAKE_IN, EXPORT].map(killed);
