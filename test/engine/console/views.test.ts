/** What the engine's views show of a host's own database, and of files that are not well. */
import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { defineDb } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { notes, notesHistory, schema } from '../notes.ts';
import { blockOf, Served } from './served.ts';

const NOTES = 'test/engine/cli/fixtures/notes-db.ts';
const kit = (count = 3) => defineDb({ name: 'notes', schema, history: notesHistory(count), command: 'notes-db' });

describe(`the console of a host's database on ${RUNTIME}`, () => {
  it('shows the verdict, who has the file open, the rows that another process adds, and its tables', async () => {
    using folder = temporaryFolder();
    using db = kit().createDb(folder.file('notes.db'));
    await using served = await Served.start(NOTES, folder.file('notes.db'));
    const first = await served.view('now');
    assert.equal(first[0]?.kind, 'verdict');
    const processes = blockOf(first, 'table', 'Who has the file open').rows.map(([who]) => String(who));
    assert.ok(
      processes.some((who) => who.startsWith(`${process.pid} (`)),
      processes.join(),
    );
    assert.ok(
      processes.some((who) => who.endsWith('this console')),
      processes.join(),
    );
    for (const title of ['milk', 'bread', 'salt']) db.insert(notes).values({ title }).run();
    const later = await served.view('now');
    const tables = blockOf(later, 'table', 'Tables').rows.map(([name, rows]) => [
      typeof name === 'object' && name?.value,
      rows,
    ]);
    assert.deepEqual(tables.find(([name]) => name === 'notes')?.[1], 3);
    assert.ok(Number(blockOf(later, 'chart', 'Size of the -wal').series[0]?.points.at(-1)?.[1]) > 0);
  });

  it('shows sizes, migrations with their time, backups and rows', async () => {
    using folder = temporaryFolder();
    using db = kit().createDb(folder.file('notes.db'));
    db.insert(notes).values({ title: '<script>alert(1)</script>' }).run();
    const { path } = await kit().backup(db);
    await using served = await Served.start(NOTES, folder.file('notes.db'));
    const blocks = await served.view('file');
    const migrations = blockOf(blocks, 'table', 'Migrations').rows;
    assert.equal(migrations.length, 3);
    assert.ok(migrations.every(([, , at]) => !Number.isNaN(Date.parse(String(at)))));
    assert.equal(blockOf(blocks, 'table', 'Backups').rows[0]?.[0], path);
    assert.equal(blockOf(blocks, 'table', 'Drift').rows.length, 0);
    const page = blockOf(await served.view('file', { table: 'notes' }), 'table', 'notes');
    assert.deepEqual(page.rows[0]?.[1], { value: '<script>alert(1)</script>', unit: 'text' });
    const answer = blockOf(await served.view('file', { sql: 'SELECT count(*) AS n FROM notes;' }), 'table', 'Answer');
    assert.deepEqual([answer.columns, answer.rows], [[{ name: 'n' }], [[{ value: '1', unit: 'code' }]]]);
  });

  it('lets the -wal begin again, and the file be closed, while a page is open', async () => {
    using folder = temporaryFolder();
    using db = kit().createDb(folder.file('notes.db'));
    await using served = await Served.start(NOTES, folder.file('notes.db'));
    for (const view of ['now', 'file']) await served.view(view);
    db.insert(notes).values({ title: 'after' }).run();
    const [row] = db.$client.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
    assert.equal(row?.busy, 0);
  });

  it('shows what is wrong with a damaged file, a file that is no database, a locked and a newer one', async () => {
    using folder = temporaryFolder();
    const make = (name: string, count = 3) => {
      using db = kit(count).createDb(folder.file(name));
      db.insert(notes)
        .values({ title: 'x'.repeat(5000) })
        .run();
      db.$client.exec('VACUUM');
      return folder.file(name);
    };
    const newer = make('newer.db');
    const behind = make('behind.db', 2);
    const locked = make('locked.db');
    const damaged = make('damaged.db');
    const bytes = Buffer.alloc(4096, 0xa5);
    writeFileSync(damaged, bytes);

    const verdicts = async (file: string, env = '3') => {
      process.env.NOTES_MIGRATIONS = env;
      try {
        await using served = await Served.start(NOTES, file);
        return [await served.view('now'), await served.view('file')] as const;
      } finally {
        delete process.env.NOTES_MIGRATIONS;
      }
    };
    const toneOf = (blocks: Awaited<ReturnType<Served['view']>>) => blockOf(blocks, 'verdict').tone;

    for (const blocks of await verdicts(damaged)) assert.equal(toneOf(blocks), 'error');
    const [newerNow, newerFile] = await verdicts(newer, '2');
    assert.equal(toneOf(newerNow), 'error');
    assert.deepEqual(blockOf(newerFile, 'table', 'Migrations').rows.at(-1)?.[1], { value: 'unknown', tone: 'error' });
    const [behindNow, behindFile] = await verdicts(behind);
    assert.equal(toneOf(behindNow), 'warning');
    assert.deepEqual(blockOf(behindFile, 'table', 'Migrations').rows.at(-1)?.[1], {
      value: 'pending',
      tone: 'warning',
    });

    using holder = kit().createDb(locked);
    holder.$client.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; INSERT INTO tags VALUES (1); COMMIT');
    for (const blocks of await verdicts(locked)) {
      const { tone, text, hint } = blockOf(blocks, 'verdict');
      assert.equal(tone, 'error');
      assert.ok(text.startsWith(`${locked} is locked and cannot be read now.`), text);
      if (process.platform === 'linux') assert.ok(text.includes(`${process.pid} (`), text);
      assert.match(hint ?? '', /end the transaction/);
    }
  });

  it('follows a file that is replaced', async () => {
    using folder = temporaryFolder();
    const file = folder.file('notes.db');
    const made = (title: string, path: string) => {
      using db = kit().createDb(path);
      db.insert(notes).values({ title }).run();
    };
    made('first', file);
    await using served = await Served.start(NOTES, file);
    const titles = async () =>
      blockOf(await served.view('file', { table: 'notes' }), 'table', 'notes').rows.map(
        ([, title]) => typeof title === 'object' && title?.value,
      );
    assert.deepEqual(await titles(), ['first']);
    made('second', folder.file('other.db'));
    for (const ending of ['-wal', '-shm']) rmSync(`${file}${ending}`, { force: true });
    renameSync(folder.file('other.db'), file);
    assert.deepEqual(await titles(), ['second']);
  });

  it('is refused for a file that is not there', async () => {
    using folder = temporaryFolder();
    await assert.rejects(Served.start(NOTES, folder.file('none.db')), /exit 1: [\s\S]*does not exist/);
  });
});
