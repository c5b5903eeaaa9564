/** Denials of a release, which have an id and a path: which of two with the same id or the same folder there is in the end. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { DenialList, type ImportReceipt, importLegacy } from '#entry';
import { RUNTIME } from '../../support/runtime.ts';
import { figuresOf, type OlderHome, olderHome, rowsOf } from './fixtures/older-home.ts';
import { changeFile, writeRelease } from './fixtures/release.ts';

const insert = (id: string, path: string) =>
  `INSERT INTO agent_denials (id, path, reason, created_at) VALUES ('${id}', '${path}', '${id} at ${path}', '2026-02-02T02:40:00.000Z')`;

/** Makes these the denials of a release's file: id to path, in this order. */
function release({ home }: OlderHome, denials: readonly (readonly [id: string, path: string])[]): void {
  const path = join(home, 'dork.db');
  writeRelease(path, 'v0.4.0');
  changeFile(path, 'DELETE FROM agent_denials', ...denials.map(([id, at]) => insert(id, at)));
}

const denialsIn = ({ db }: OlderHome) =>
  Object.fromEntries(rowsOf(db, 'agent_denials').map(({ path, id, reason }) => [String(path), `${id}: ${reason}`]));

const ofDenials = (receipt: ImportReceipt) =>
  receipt.sources.flatMap(({ tables }) => tables.filter(({ table }) => table === 'agent_denials'));

/** Imports as a dry run, then twice; the second import changes nothing. Returns the first receipt. */
function importTwice({ db, home }: OlderHome): ImportReceipt {
  const dry = importLegacy(db, { home, dryRun: true });
  const first = importLegacy(db, { home });
  assert.deepEqual(figuresOf(first), figuresOf(dry));
  const [{ read, imported, updated, alreadyThere, deletedSince, setAside } = assert.fail()] = ofDenials(first);
  assert.equal(imported + updated + alreadyThere + deletedSince + setAside, read);
  const before = rowsOf(db, 'agent_denials');
  const second = importLegacy(db, { home });
  assert.deepEqual([second.imported, second.updated, second.failed], [0, 0, 0]);
  assert.deepEqual(rowsOf(db, 'agent_denials'), before);
  return first;
}

const reasonsOf = (receipt: ImportReceipt) =>
  receipt.sources.flatMap(({ setAsideReasons }) =>
    setAsideReasons.filter(({ table }) => table === 'agent_denials').map(({ reason, rows }) => [reason, rows]),
  );

describe(`denials of a release on ${RUNTIME}`, () => {
  it('whose id another denial of dork.db has are named in the receipt, and come once that is gone', () => {
    using older = olderHome();
    older.db.$client.exec(insert('x', '/mine'));
    release(older, [
      ['x', '/theirs'],
      ['y', '/more'],
    ]);
    const receipt = importTwice(older);
    assert.deepEqual(reasonsOf(receipt), [['id belongs to another denial', 1]]);
    assert.deepEqual(denialsIn(older), { '/mine': 'x: x at /mine', '/more': 'y: y at /more' });
    older.db.$client.exec("DELETE FROM agent_denials WHERE path = '/mine'");
    assert.deepEqual(reasonsOf(importTwice(older)), []);
    assert.deepEqual(denialsIn(older), { '/theirs': 'x: x at /theirs', '/more': 'y: y at /more' });
  });

  it('that a newer release has at another path are not brought back by an older one', () => {
    using older = olderHome();
    release(older, [['x', '/newer']]);
    importTwice(older);
    const before = join(older.home, 'dork-moved-20250101T000000000Z.db');
    writeRelease(before, 'v0.4.0');
    changeFile(before, 'DELETE FROM agent_denials', insert('x', '/older'), insert('z', '/only'));
    importTwice(older);
    assert.deepEqual(denialsIn(older), { '/newer': 'x: x at /newer', '/only': 'z: z at /only' });
  });

  it('that changed places in a file that goes on have its paths', () => {
    using older = olderHome();
    for (const denials of [
      { x: '/p', y: '/q' },
      { x: '/q', y: '/p' },
      { x: '/r', n: '/q', y: '/p' },
    ]) {
      release(older, Object.entries(denials));
      assert.deepEqual(reasonsOf(importTwice(older)), []);
      const expected = Object.entries(denials).map(([id, path]) => [path, `${id}: ${id} at ${path}`]);
      assert.deepEqual(denialsIn(older), Object.fromEntries(expected));
    }
  });

  it('of one folder by several links are one denial, and the others are named in the receipt', () => {
    using older = olderHome();
    const [real, link, other] = ['real', 'link', 'other'].map((name) => join(older.home, name)) as [
      string,
      string,
      string,
    ];
    mkdirSync(real);
    for (const path of [link, other]) symlinkSync(real, path);
    release(older, [
      ['x', link],
      ['y', real],
      ['z', other],
    ]);
    assert.deepEqual(reasonsOf(importTwice(older)), [['path leads to the same folder as an earlier denial', 2]]);
    assert.deepEqual(denialsIn(older), { [real]: `x: x at ${link}` });
    const list = new DenialList(older.db);
    for (const path of [real, link, other]) assert.equal(list.isDenied(path), true);
  });
});
