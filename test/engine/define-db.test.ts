import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, statSync, writeSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  type AllowLoss,
  DatabaseOpenError,
  type DefinedDb,
  defineDb,
  eq,
  type History,
  InvalidInputError,
  RestoreError,
} from '#entry';
import { temporaryFolder } from '../support/folder.ts';
import { RUNTIME } from '../support/runtime.ts';
import { notes, notesHistory, noteTags, schema, tags } from './notes.ts';

const define = (count?: number, options: { applicationId?: number; command?: string } = {}) =>
  defineDb({ name: 'notes', schema, history: notesHistory(count), ...options });

function fill(file: string, count: number, rows: number): void {
  using db = define(count).createDb(file);
  const insert = db.$client.prepare('INSERT INTO notes (title) VALUES (?)');
  db.transaction(() => {
    db.$client.exec("INSERT INTO tags VALUES ('a'), ('b')");
    for (let i = 1; i <= rows; i++) {
      insert.run(`note ${i}`);
      db.$client.prepare("INSERT INTO note_tags VALUES (?, 'a'), (?, 'b')").run(i, i);
    }
  });
}

const counts = (kit: DefinedDb<typeof schema>, file: string) => {
  using db = kit.createDb(file);
  return [notes, tags, noteTags].map((table) => db.select().from(table).all().length);
};

for (const applicationId of [undefined, 0x4e4f5445]) {
  const kit = define(3, { ...(applicationId !== undefined && { applicationId }) });
  describe(`a database of a host's own, ${applicationId ? 'with' : 'without'} an application_id, on ${RUNTIME}`, () => {
    it('is typed by its schema, with relations', () => {
      using db = kit.createDb(':memory:');
      db.insert(notes).values({ title: 'one', body: 'abc' }).run();
      db.insert(tags).values({ name: 'a' }).run();
      db.insert(noteTags).values({ noteId: 1, tag: 'a' }).run();
      const found = db.query.notes.findMany({ with: { tags: true } }).sync();
      assert.deepEqual(found, [{ id: 1, title: 'one', body: 'abc', words: 3, tags: [{ noteId: 1, tag: 'a' }] }]);
      // @ts-expect-error a column that the schema lacks does not compile
      assert.throws(() => db.insert(notes).values({ titel: 'two' }).run());
      const search = db.$client.prepare("SELECT rowid FROM notes_fts WHERE notes_fts MATCH 'abc'").all();
      assert.deepEqual(search, [{ rowid: 1 }]);
    });

    for (const from of [1, 2, 3]) {
      it(`is brought from ${from} of 3 migrations to the newest, and keeps the rows that refer to a rebuilt table`, () => {
        using folder = temporaryFolder();
        const file = folder.file('notes.db');
        fill(file, from, 20);
        assert.deepEqual(kit.migrationStatus(file).pending.length, 3 - from);
        assert.equal(kit.rehearseMigrations(file).problem, undefined);
        assert.deepEqual(counts(kit, file), [20, 2, 40]);
        assert.equal(kit.migrationStatus(file).state, 'current');
      });
    }

    it('is backed up, listed, verified, restored, recovered and compacted, and tells how it is', async () => {
      using folder = temporaryFolder();
      const file = folder.file('notes.db');
      fill(file, 3, 3000);
      let path: string;
      {
        using db = kit.createDb(file);
        ({ path } = await kit.backup(db));
        await kit.backupDaily(db);
        const errors = kit.health(db, { deep: true }).findings.filter(({ severity }) => severity === 'error');
        assert.deepEqual(errors, []);
        db.delete(notes).where(eq(notes.id, 1)).run();
        kit.checkpoint(db);
        kit.optimize(db);
        using watch = kit.monitor(db);
        assert.equal(watch.sample().commits, 0);
      }
      const list = kit.listBackups(folder.file('backups'));
      assert.deepEqual(list.map(({ verified, kind }) => [verified, kind]).sort(), [
        [true, 'backup'],
        [true, 'daily'],
      ]);
      assert.equal((await kit.verifyBackup(path, { deep: true })).rows.notes, 3000);
      assert.equal(kit.compact(file).rows.notes, 2999);
      const { to } = await kit.restore({ from: path, to: file });
      assert.deepEqual(counts(kit, to), [3000, 2, 6000]);
      await kit.pruneBackups(folder.file('backups'));

      const pages = statSync(file).size / 4096;
      const fd = openSync(file, 'r+');
      writeSync(fd, Buffer.alloc(4096, 7), 0, 4096, 4096 * Math.floor(pages / 3));
      closeSync(fd);
      const recovered = await kit.recover({ from: file });
      assert.ok(recovered.isRestorable, JSON.stringify(recovered));
      await kit.restore({ from: recovered.to, to: file });
      assert.ok((counts(kit, file)[0] ?? 0) > 2000);
    });

    it('refuses the file of another definition, and changes nothing', () => {
      using folder = temporaryFolder();
      const file = folder.file('other.db');
      const other = defineDb({ name: 'other', schema: {}, history: notesHistory(0), applicationId: 77 });
      {
        using db = other.createDb(file);
        db.$client.exec('CREATE TABLE theirs (a)');
      }
      const before = statSync(file).mtimeMs;
      for (const call of [() => kit.createDb(file), () => kit.compact(file), () => kit.runMigrations(file)]) {
        assert.throws(call, (error) => error instanceof DatabaseOpenError && error.code === 'NOT_OURS');
      }
      assert.equal(statSync(file).mtimeMs, before);
    });
  });
}

describe(`defineDb() on ${RUNTIME}`, () => {
  it('keeps databases of different definitions apart that are open at once', () => {
    using folder = temporaryFolder();
    const [one, other] = [define(), define(2)];
    using a = one.createDb(folder.file('a.db'));
    using b = other.createDb(folder.file('b.db'));
    assert.equal(one.migrationStatus(a).applied.length, 3);
    assert.equal(other.migrationStatus(b).applied.length, 2);
    const state = (report: ReturnType<typeof one.health>) => report.migrations?.state;
    assert.deepEqual([state(one.health(a)), state(one.health(b))], ['current', 'current']);
  });

  it('takes no default of another database: what has none must be given', async () => {
    using folder = temporaryFolder();
    const kit = define();
    assert.throws(() => kit.createDb(), InvalidInputError);
    await assert.rejects(kit.restore({ from: folder.file('b.db') }), InvalidInputError);
    await assert.rejects(kit.recover(), InvalidInputError);
    const file = folder.file('default.db');
    const withDefault = defineDb({ name: 'notes', schema, history: notesHistory(), defaultPath: () => file });
    withDefault.createDb().$client.close();
    assert.ok(existsSync(file));
    await assert.rejects(withDefault.recover({ to: folder.file('default.db') }), (error) => error instanceof Error);
    await assert.rejects(
      withDefault.restore({ from: folder.file('none.db') }),
      (error) => !(error instanceof RestoreError) || error.code !== 'IN_USE',
    );
  });

  it('names the option that does not fit', () => {
    const good = { name: 'notes', schema, history: notesHistory() };
    const bad: [string, object][] = [
      ['options.name', { name: 'No tes' }],
      ['options.schema', { schema: null }],
      ['options.history', { history: {} }],
      ['options.applicationId', { applicationId: -1 }],
      ['options.command', { command: 5 }],
      ['options.defaultpath', { defaultpath: 'x' }],
    ];
    for (const [field, change] of bad) {
      assert.throws(
        () => defineDb({ ...good, ...change } as typeof good),
        (error) => error instanceof InvalidInputError && error.field === field,
        field,
      );
    }
  });

  it('lets a released migration lose what the definition allows, and names everything else at once', () => {
    using folder = temporaryFolder();
    const first = {
      tag: '0000_first',
      when: 1,
      hash: 'a',
      sql: 'CREATE TABLE drafts (id integer PRIMARY KEY); --> statement-breakpoint\nCREATE TABLE kept (id integer PRIMARY KEY);',
    };
    const drop = { tag: '0001_drop', when: 2, hash: 'b', sql: 'DROP TABLE drafts' };
    const empty = { tag: '0002_empty', when: 3, hash: 'c', sql: 'DELETE FROM kept' };
    const of = (migrations: History['migrations'], allowLoss?: AllowLoss) =>
      defineDb({ name: 'drafts', schema: {}, history: { migrations }, ...(allowLoss && { allowLoss }) });
    const file = folder.file('drafts.db');
    {
      using db = of([first]).createDb(file);
      db.$client.exec('INSERT INTO drafts VALUES (1), (2); INSERT INTO kept VALUES (1)');
    }
    assert.throws(() => of([first, drop, empty]).createDb(file), {
      code: 'MIGRATION_DATA_LOSS',
      message: /0001_drop would leave 0 of the 2 rows of drafts.* 0002_empty would leave 0 of the 1 rows of kept/,
      hint: /allowLoss: \{"0001_drop":\["drafts"\],"0002_empty":\["kept"\]\}/,
    });
    const allowed = of([first, drop, empty], { '0001_drop': ['drafts'], '0002_empty': ['kept'] });
    assert.equal(allowed.rehearseMigrations(file).problem, undefined);
    using db = allowed.createDb(file);
    assert.deepEqual(db.$client.prepare('SELECT count(*) AS n FROM kept').get(), { n: 0 });
    assert.throws(() => of([first], { '0000_first': 'drafts' as never }), { name: 'InvalidInputError' });
  });

  it('keeps one log of its migrations in restored copies, and knows newer ones by it', async () => {
    using folder = temporaryFolder();
    const file = folder.file('notes.db');
    const [older, newer] = [define(1, { command: 'notes-db' }), define()];
    fill(file, 1, 3);
    {
      using db = older.createDb(file);
      await older.backup(db, { to: folder.file('older.db') });
    }
    await newer.restore({ from: folder.file('older.db'), to: folder.file('restored.db') });
    {
      using db = newer.createDb(folder.file('restored.db'));
      const logs = db.$client.prepare("SELECT name FROM sqlite_schema WHERE name LIKE '%migrations_log'").values();
      assert.deepEqual(logs.flat(), ['__notes_migrations_log']);
      const logged = db.$client.prepare('SELECT tag FROM __notes_migrations_log').values().flat();
      assert.deepEqual(
        logged,
        notesHistory().migrations.map(({ tag }) => tag),
      );
      await newer.backup(db, { to: folder.file('newer.db') });
    }
    const newest = notesHistory().migrations.at(-1)?.tag ?? '';
    const report = await older.verifyBackup(folder.file('newer.db'));
    assert.equal(report.migration, newest);
    assert.ok(report.problem?.message.includes(newest), report.problem?.message);
    const migrations = notesHistory().migrations.map((one, i) => (i === 1 ? { ...one, hash: 'x' } : one));
    const edited = defineDb({ name: 'notes', schema, history: { migrations }, command: 'notes-db' });
    const { problem } = await edited.verifyBackup(folder.file('newer.db'));
    assert.match(problem?.hint ?? '', /notes-db repair-ledger/);
  });
});
