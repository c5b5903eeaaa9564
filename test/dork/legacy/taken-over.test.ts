/** An agent that was registered again under a new id at its path: the newer file has the last word. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createDb, type Db, type ImportReceipt, importLegacy } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { agent, figuresOf, meshAt, olderHome, rowsOf } from './fixtures/older-home.ts';
import { changeFile, writeRelease } from './fixtures/release.ts';

const AT = '2026-02-02T02:40:00.000Z';
const OLDER = 'dork-moved-20260101T000000000Z.db';
const NEWER = 'dork-moved-20260301T000000000Z.db';

const insertAgents = (agents: Record<string, string>) =>
  Object.entries(agents).map(
    ([id, path]) =>
      `INSERT INTO agents (id, name, runtime, project_path, registered_at, updated_at) VALUES ('${id}', '${id}', 'codex', '${path}', '${AT}', '${AT}')`,
  );

/** A release's file with these agents (id to path), and nothing else. */
function write(path: string, agents: Record<string, string>): void {
  writeRelease(path, 'v0.4.0');
  const tables = ['pulse_runs', 'pulse_schedules', 'relay_index', 'relay_traces', 'agents', 'agent_denials'];
  changeFile(path, ...tables.map((table) => `DELETE FROM ${table}`), 'DELETE FROM rate_limit_buckets');
  changeFile(path, ...insertAgents(agents));
}

const agentsIn = (db: Db) => Object.fromEntries(rowsOf(db, 'agents').map(({ id, project_path: path }) => [id, path]));

/** Imports twice, each time as a dry run first, which makes the same receipt. Returns the first receipt. */
function importTwice(db: Db, home: string): ImportReceipt {
  const both = [0, 1].map((times) => {
    const before = agentsIn(db);
    const dry = importLegacy(db, { home, dryRun: true });
    assert.deepEqual(agentsIn(db), before);
    const receipt = importLegacy(db, { home });
    assert.deepEqual(figuresOf(receipt), figuresOf(dry));
    const adjusted = (of: ImportReceipt) => of.sources.flatMap((source) => source.adjusted);
    assert.deepEqual(adjusted(receipt), adjusted(dry));
    if (times === 1) assert.deepEqual([receipt.imported, receipt.updated, receipt.failed], [0, 0, 0]);
    return receipt;
  });
  return both[0] as ImportReceipt;
}

/** Imports files one after the other, or all at once, and asserts after each step that another import changes nothing. */
function importInOrder(
  files: Record<string, Record<string, string>>,
  order: readonly (readonly string[])[],
  between: (db: Db, step: number) => void = () => {},
): { db: Db; home: string } & Disposable {
  const folder = temporaryFolder();
  const [home, later] = [folder.file('home'), folder.file('later')];
  mkdirSync(home);
  for (const [name, agents] of Object.entries(files)) write(join(later, name), agents);
  const db = createDb(folder.file('mine.db'));
  for (const [step, names] of order.entries()) {
    for (const name of names) renameSync(join(later, name), join(home, name));
    importTwice(db, home);
    between(db, step);
  }
  return {
    db,
    home,
    [Symbol.dispose]() {
      db.$client.close();
      folder[Symbol.dispose]();
    },
  };
}

const ORDERS = [[[OLDER], [NEWER]], [[NEWER], [OLDER]], [[OLDER, NEWER]]];
const orderName = (order: readonly (readonly string[])[]) =>
  order.length === 1 ? 'at once' : order[0]?.[0] === OLDER ? 'the older first' : 'the newer first';

describe(`an agent that is registered again at its path, on ${RUNTIME}`, () => {
  for (const order of ORDERS) {
    it(`is the newer one: ${orderName(order)}`, () => {
      const files = { [OLDER]: { old: '/p', a: '/a' }, [NEWER]: { new: '/p', b: '/b' } };
      using all = importInOrder(files, order);
      assert.deepEqual(agentsIn(all.db), { new: '/p', a: '/a', b: '/b' });
    });

    it(`is the newer one if the older moved, if two changed places, and if three did in a ring: ${orderName(order)}`, () => {
      const older = { old: '/p', x: '/x', y: '/y', r1: '/1', r2: '/2', r3: '/3' };
      const newer = { new: '/p', old: '/q', x: '/y', y: '/x', r1: '/2', r2: '/3', r3: '/1' };
      using all = importInOrder({ [OLDER]: older, [NEWER]: newer }, order);
      assert.deepEqual(agentsIn(all.db), newer);
    });

    it(`stays deleted once it is deleted here, and the older does not take its place: ${orderName(order)}`, () => {
      using all = importInOrder({ [OLDER]: { old: '/p' }, [NEWER]: { new: '/p' } }, order);
      all.db.$client.exec("DELETE FROM agents WHERE id = 'new'");
      importTwice(all.db, all.home);
      assert.deepEqual(agentsIn(all.db), {});
    });

    it(`is set aside if its path is that of an agent of dork.db's own: ${orderName(order)}`, () => {
      const files = { [OLDER]: { old: '/p' }, [NEWER]: { new: '/p' } };
      using all = importInOrder({ ...files, first: {} }, [['first'], ...order], (db, step) => {
        if (step === 0) for (const sql of insertAgents({ mine: '/p' })) db.$client.exec(sql);
      });
      assert.deepEqual(agentsIn(all.db), { mine: '/p' });
    });
  }

  it('is set aside if the older one was changed here, and comes once that is gone', () => {
    const files = { [OLDER]: { old: '/p' }, [NEWER]: { new: '/p' } };
    using all = importInOrder(files, [[OLDER], [NEWER]], (db, step) => {
      if (step === 0) db.$client.exec("UPDATE agents SET name = 'mine' WHERE id = 'old'");
    });
    assert.deepEqual(agentsIn(all.db), { old: '/p' });
    all.db.$client.exec("DELETE FROM agents WHERE id = 'old'");
    importTwice(all.db, all.home);
    assert.deepEqual(agentsIn(all.db), { new: '/p' });
  });

  it('comes from the file that goes on: registered again, back again, and with the older at another path', () => {
    using all = importInOrder({ [OLDER]: { z: '/z' }, [NEWER]: { old: '/p' } }, [[OLDER, NEWER]]);
    const file = join(all.home, NEWER);
    const states: Record<string, string>[] = [{ new: '/p' }, { old: '/p' }];
    for (const agents of [...states, { new: '/p', old: '/q' }, { old: '/p', new: '/q' }]) {
      changeFile(file, 'DELETE FROM agents', ...insertAgents(agents));
      importTwice(all.db, all.home);
      // What is no longer there and whose path is free stays, as every row does that an older file has no more.
      assert.deepEqual(agentsIn(all.db), { ...agents, z: '/z' });
    }
  });

  it('takes the path over from one of mesh.db, is counted, and mesh.db does not bring that one back', () => {
    using older = olderHome();
    older.write('mesh/mesh.db', meshAt(4), { agents: [agent('old', {}, { project_path: '/p' })] });
    importTwice(older.db, older.home);
    write(join(older.home, 'dork.db'), { new: '/p' });
    const { sources } = importTwice(older.db, older.home);
    assert.deepEqual(agentsIn(older.db), { new: '/p' });
    assert.deepEqual(
      sources.flatMap(({ adjusted }) => adjusted),
      [{ table: 'agents', rule: 'project_path_taken_over', rows: 1 }],
    );
    changeFile(join(older.home, 'mesh', 'mesh.db'), "UPDATE agents SET name = 'moved on'");
    importTwice(older.db, older.home);
    assert.deepEqual(agentsIn(older.db), { new: '/p' });
  });

  it('leaves the older one there if dork.db refuses the newer one', () => {
    using all = importInOrder({ [OLDER]: { old: '/p' }, [NEWER]: { new: '/p' } }, [[OLDER]]);
    all.db.$client.exec(
      'CREATE TEMP TRIGGER refuse BEFORE INSERT ON main.agents BEGIN INSERT INTO legacy_rows (kind) VALUES (NULL); END',
    );
    write(join(all.home, NEWER), { new: '/p' });
    assert.equal(importLegacy(all.db, { home: all.home }).failed, 0);
    assert.deepEqual(agentsIn(all.db), { old: '/p' });
    all.db.$client.exec('DROP TRIGGER temp.refuse');
    importTwice(all.db, all.home);
    assert.deepEqual(agentsIn(all.db), { new: '/p' });
  });
});
