import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createDb, type Db, importLegacy } from '#entry';
import { agent, MESSAGES, meshAt, PULSE, schedule } from '../../dork/legacy/fixtures/older-home.ts';
import { contents } from '../../engine/backup/support.ts';
import { acknowledgedIn, assertAcknowledged, assertNoWreckage, assertSound, writeHome } from '../oracle.ts';
import { killed, type Moment } from './kill.ts';

const RUNS = 6000;
const MESSAGE_ROWS = 8000;
const AGENTS = 20;
const SCHEDULES = 10;
const ROWS = RUNS + MESSAGE_ROWS + AGENTS + SCHEDULES;

const fileIn = (home: string) => join(home, 'dork.db');
const olderIn = (home: string) => join(home, 'older');

/** Makes an older file with raw SQL. */
function write(path: string, sql: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
  using memory = createDb(':memory:');
  using connection = memory.$client.sibling(path);
  connection.exec(sql);
}

/** Makes a home of the older DorkOS, with all its files. */
export function makeOlder(home: string, { runs = RUNS, messages = MESSAGE_ROWS } = {}): void {
  mkdirSync(home);
  const at = "strftime('%Y-%m-%dT%H:%M:%S', 1770000000 + n, 'unixepoch') || '.000Z'";
  const numbers = (n: number) => `WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ${n})`;
  writeFileSync(
    join(home, 'schedules.json'),
    JSON.stringify(Array.from({ length: SCHEDULES }, (_, i) => schedule(`s${i}`))),
  );
  write(
    join(home, 'pulse.db'),
    `${PULSE} INSERT INTO runs (id, schedule_id, status, started_at, duration_ms, trigger, created_at) ${numbers(runs)}
      SELECT 'r' || n, 's' || (n % 12), 'completed', ${at}, n, 'manual', ${at} FROM i;`,
  );
  write(
    join(home, 'relay', 'index.db'),
    `${MESSAGES} INSERT INTO messages ${numbers(messages)}
      SELECT 'm' || n, 'older ' || (n % 50), 'sender', 'h' || (n % 20), 'new', ${at}, 0 FROM i;`,
  );
  const rows = Array.from({ length: AGENTS }, (_, i) => agent(`a${i}`));
  const names = Object.keys(rows[0] ?? {});
  const quoted = (value: unknown) => (value === null ? 'NULL' : `'${String(value).replaceAll("'", "''")}'`);
  write(
    join(home, 'mesh', 'mesh.db'),
    meshAt(4) +
      rows
        .map((row) => `INSERT INTO agents (${names.join()}) VALUES (${Object.values(row).map(quoted).join()});`)
        .join(''),
  );
}

/** How many sources have come in, at least in part. A source that has a receipt is whole. */
function sourcesIn(db: Db): number {
  const count = (of: string) => Number(db.$client.prepare<{ n: number }>(`SELECT count(*) AS n FROM ${of}`).get()?.n);
  const states: [string, number, number][] = [
    ['pulse.db', count("pulse_runs WHERE id GLOB 'r[0-9]*' AND \"trigger\" = 'manual'"), RUNS],
    ['relay/index.db', count("relay_index WHERE id GLOB 'm[0-9]*'"), MESSAGE_ROWS],
    ['mesh/mesh.db', count("agents WHERE id GLOB 'a[0-9]*'"), AGENTS],
  ];
  const receipts = new Set(db.$client.prepare('SELECT source FROM legacy_imports').values().flat());
  for (const [source, rows, all] of states) {
    if (receipts.has(source)) assert.equal(rows, all, `the receipt of ${source}`);
  }
  return states.filter(([, rows]) => rows > 0).length;
}

const IMPORT: Moment = {
  name: 'import',
  promise:
    'After a kill only older files that are whole have a receipt, and the next import brings the rest, doubling nothing.',
  job: 'import',
  model: (home) => {
    writeHome(fileIn(home), home, ['ada'], 20);
    makeOlder(olderIn(home));
  },
  args: (home) => ({ file: fileIn(home), home: olderIn(home) }),
  check: (home) => {
    const before = contents(olderIn(home));
    using db = createDb(fileIn(home));
    const sources = sourcesIn(db);
    const older = () => {
      const receipt = importLegacy(db, { home: olderIn(home), keepOrphans: true });
      assert.deepEqual([receipt.failed, receipt.setAside], [0, 0]);
      assert.equal(receipt.imported + receipt.alreadyThere, ROWS);
      return receipt.imported;
    };
    older();
    assert.equal(older(), 0);
    assert.equal(sourcesIn(db), 3);
    assert.deepEqual(contents(olderIn(home)), before);
    assertSound(db);
    assertAcknowledged(db, acknowledgedIn(home), 'some');
    assertNoWreckage(home);
    return sources === 3 ? 'all sources' : 'some sources';
  },
  rounds: { quick: 2, usual: 30 },
  mustMeet: ['some sources|all sources'],
};

export const KILL_IMPORT = [IMPORT].map(killed);
