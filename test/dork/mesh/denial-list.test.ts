import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { agentDenials, DenialList, InvalidInputError } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { storeDb } from '../../support/store-db.ts';

describe('DenialList', () => {
  it('denies a path until it is cleared', () => {
    using test = storeDb();
    const denials = new DenialList(test.db);
    assert.equal(denials.isDenied('/nowhere/a'), false);
    denials.deny('/nowhere/a', 'claude-code', 'not ours', 'me');
    assert.equal(denials.isDenied('/nowhere/a'), true);
    assert.equal(denials.isDenied('/nowhere'), false);
    assert.equal(denials.isDenied('/nowhere/a/b'), false);
    assert.equal(denials.clear('/nowhere/a'), true);
    assert.equal(denials.isDenied('/nowhere/a'), false);
    assert.equal(denials.clear('/nowhere/a'), false);
  });

  it('lists the newest first, a reason only where there is one', () => {
    using test = storeDb();
    const denials = new DenialList(test.db);
    const before = new Date().toISOString();
    denials.deny('/nowhere/a', 'manual', undefined, 'me');
    denials.deny('/nowhere/b', 'cursor', 'noisy', 'you');
    const [b, a, ...none] = denials.list();
    assert.deepEqual(none, []);
    assert.ok(a && b && before <= a.deniedAt && a.deniedAt <= b.deniedAt);
    assert.deepEqual(a, { path: '/nowhere/a', strategy: 'manual', deniedBy: 'me', deniedAt: a.deniedAt });
    assert.deepEqual(b, {
      path: '/nowhere/b',
      strategy: 'cursor',
      reason: 'noisy',
      deniedBy: 'you',
      deniedAt: b.deniedAt,
    });
  });

  it('replaces a denial that is repeated, which is then the newest', () => {
    using test = storeDb();
    const denials = new DenialList(test.db);
    denials.deny('/nowhere/a', 'manual', 'first', 'me');
    denials.deny('/nowhere/b', 'manual', undefined, 'me');
    denials.deny('/nowhere/a', 'cursor', undefined, 'you');
    const listed = denials.list().map(({ deniedAt, ...denial }) => denial);
    assert.deepEqual(listed, [
      { path: '/nowhere/a', strategy: 'cursor', deniedBy: 'you' },
      { path: '/nowhere/b', strategy: 'manual', deniedBy: 'me' },
    ]);
  });

  it('lists older denials by their instant, whatever the order they were imported in', () => {
    using test = storeDb();
    const row = (id: string, day: string) => ({ id, path: `/${id}`, createdAt: `2026-01-${day}T00:00:00.000Z` });
    test.db
      .insert(agentDenials)
      .values([row('b', '02'), row('c', '03'), row('a', '01')])
      .run();
    assert.deepEqual(new DenialList(test.db).list(), [
      { path: '/c', strategy: '', deniedBy: 'unknown', deniedAt: '2026-01-03T00:00:00.000Z' },
      { path: '/b', strategy: '', deniedBy: 'unknown', deniedAt: '2026-01-02T00:00:00.000Z' },
      { path: '/a', strategy: '', deniedBy: 'unknown', deniedAt: '2026-01-01T00:00:00.000Z' },
    ]);
  });

  it('cannot be got round by a symbolic link, nor by another spelling', () => {
    using test = storeDb();
    using folder = temporaryFolder();
    const denials = new DenialList(test.db);
    const real = join(realpathSync(folder.path), 'project');
    const link = join(realpathSync(folder.path), 'link');
    mkdirSync(real);
    symlinkSync(real, link);
    symlinkSync(link, `${link}2`);
    denials.deny(`${link}2`, 'manual', undefined, 'me');
    assert.deepEqual(
      denials.list().map(({ path }) => path),
      [real],
    );
    for (const path of [real, link, `${link}2`, `${real}/`, `${real}/../project/.`]) {
      assert.equal(denials.isDenied(path), true, path);
    }
    assert.equal(denials.clear(link), true);
    assert.equal(denials.isDenied(real), false);
  });

  it('holds for a path that was denied before there was anything, and then became a link', () => {
    using test = storeDb();
    using folder = temporaryFolder();
    const denials = new DenialList(test.db);
    const path = join(realpathSync(folder.path), 'later');
    denials.deny(path, 'manual', undefined, 'me');
    mkdirSync(join(realpathSync(folder.path), 'real'));
    symlinkSync(join(realpathSync(folder.path), 'real'), path);
    assert.equal(denials.isDenied(path), true);
    denials.deny(path, 'manual', 'again', 'me');
    assert.deepEqual(
      denials.list().map((denial) => denial.path),
      [join(realpathSync(folder.path), 'real')],
    );
    rmSync(path);
    assert.equal(denials.isDenied(path), false);
    assert.equal(denials.clear(join(realpathSync(folder.path), 'real')), true);
    assert.deepEqual(denials.list(), []);
  });

  it('takes a path that does not exist yet by one spelling', () => {
    using test = storeDb();
    const denials = new DenialList(test.db);
    for (const path of ['/nowhere/../nowhere/a', 'relative/nowhere', `/${'x'.repeat(5000)}`]) {
      denials.deny(path, 'manual', undefined, 'me');
      assert.equal(denials.list()[0]?.path, resolve(path));
      assert.equal(denials.isDenied(path), true);
    }
    assert.equal(denials.isDenied('/nowhere/a'), true);
    assert.equal(denials.isDenied('/nowhere/b'), false);
  });

  it('holds when a denied folder is made later, however it was spelled, and through a linked parent', () => {
    using test = storeDb();
    using folder = temporaryFolder();
    const denials = new DenialList(test.db);
    const home = realpathSync(folder.path);
    mkdirSync(join(home, 'real'));
    symlinkSync(join(home, 'real'), join(home, 'link'));
    const spellings = ['real/a/', 'real//b', './real/c', 'real/x/../d', 'link/e', 'link/f/'];
    for (const spelling of spellings) denials.deny(`${home}/${spelling}`, 'manual', undefined, 'me');
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      mkdirSync(join(home, 'real', name));
      for (const spelling of [`real/${name}`, `real/${name}/`, `link/${name}`, `real/./${name}`]) {
        assert.equal(denials.isDenied(`${home}/${spelling}`), true, spelling);
      }
      assert.equal(denials.clear(join(home, 'link', name)), true);
    }
    assert.deepEqual(denials.list(), []);
  });

  it('holds for a denial that an earlier version stored with a slash at its end', () => {
    using test = storeDb();
    test.db
      .insert(agentDenials)
      .values({ id: 'old', path: '/nowhere/a/', createdAt: '2026-01-01T00:00:00.000Z' })
      .run();
    const denials = new DenialList(test.db);
    assert.equal(denials.isDenied('/nowhere/a'), true);
    assert.equal(denials.clear('/nowhere/a'), true);
  });

  it('names the argument that does not fit, and writes nothing', () => {
    using test = storeDb();
    const denials = new DenialList(test.db);
    const refusals: [string, unknown[]][] = [
      ['path', ['', 's', undefined, 'me']],
      ['path', ['/a\0b', 's', undefined, 'me']],
      ['path', [5, 's', undefined, 'me']],
      ['strategy', ['/a', undefined, undefined, 'me']],
      ['reason', ['/a', 's', 5, 'me']],
      ['denier', ['/a', 's', undefined, undefined]],
    ];
    for (const [field, args] of refusals) {
      const call = () => Reflect.apply(denials.deny, denials, args);
      assert.throws(call, (error: unknown) => error instanceof InvalidInputError && error.field === field, field);
    }
    assert.throws(() => denials.isDenied('a\0'), { field: 'path' });
    assert.throws(() => denials.clear(''), { field: 'path' });
    assert.deepEqual(denials.list(), []);
  });

  it('works on after close(), which closes nothing', () => {
    using test = storeDb();
    const denials = new DenialList(test.db);
    denials.close();
    denials.deny('/nowhere/a', 'manual', undefined, 'me');
    assert.equal(denials.list().length, 1);
  });
});
