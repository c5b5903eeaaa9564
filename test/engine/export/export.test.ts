/** Exports: what they hold, and that a database that is made of one is equal. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ClosedError, closeDb, ExportError, type ExportProgress, exportDb, InvalidInputError } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { contentOf, fillKinds, kinds } from './support.ts';

const kit = kinds();

const linesOf = (folder: string, name: string) =>
  readFileSync(join(folder, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe(`exportDb() on ${RUNTIME}`, () => {
  it('makes a folder from which importExport() makes a database that is equal by row and value', async () => {
    using folder = temporaryFolder();
    const [file, to, made] = ['a.db', 'out', 'b.db'].map(folder.file) as [string, string, string];
    using db = kit.createDb(file);
    fillKinds(db);
    const before = contentOf(db);
    const report = await kit.exportDb(db, { to });
    assert.deepEqual(contentOf(db), before);
    assert.equal(report.rows.anything, 30);
    const back = await kit.importExport({ from: to, to: made });
    assert.deepEqual([back.rows, back.migrated, back.danglingRows], [report.rows, [], 1]);
    using copy = kit.createDb(made, { migrations: 'require', readonly: true });
    assert.deepEqual(contentOf(copy), before);
    const find = "SELECT rowid FROM notes_fts WHERE notes_fts MATCH 'common' ORDER BY rowid";
    assert.equal(copy.$client.prepare(find).all().length, 40);
    assert.deepEqual(copy.$client.prepare("SELECT rowid FROM own_fts('seven')").all(), [{ rowid: 7 }]);
    assert.deepEqual(copy.$client.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'anything'").get(), {
      seq: 900,
    });
    assert.equal(copy.$client.pragma('journal_mode', { simple: true }), 'wal');
    assert.equal(copy.$client.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE type = 'trigger'").get()?.n, 1);
  });

  it('is lines that anyone can read, and names what it leaves out', async () => {
    using folder = temporaryFolder();
    const to = folder.file('out');
    using db = kit.createDb(':memory:');
    fillKinds(db, 2);
    const { leftOut } = await exportDb(db, { to });
    assert.deepEqual(linesOf(to, 'notes.jsonl'), [
      { id: 1, body: 'no', tone: 'plain' },
      { id: 3, body: 'word1 common', tone: 'plain' },
      { id: 6, body: 'word2 common', tone: 'plain' },
    ]);
    assert.deepEqual(linesOf(to, 'own_fts.jsonl')[0], { rowid: 3, title: 'three', body: null });
    const odd = `odd%2Fn%C3%A4me%20%22x%22`;
    assert.equal(readFileSync(join(to, `${odd}.jsonl`), 'utf8').split('\n')[0], '{"rowid":"z","__proto__":"a"}');
    assert.deepEqual(JSON.parse(readFileSync(join(to, `${odd}.schema.json`), 'utf8')).generated, ['a b', 'kept']);
    const values = linesOf(to, 'strict_one.jsonl').map(({ k, v }) => [k, v]);
    const expected: [string, unknown][] = [
      ['k1', 0],
      ['k3', 9007199254740991],
      ['k4', { $int: '9007199254740992' }],
      ['k6', { $int: '9223372036854775807' }],
      ['k8', { $real: '5' }],
      ['k9', { $real: '-0' }],
      ['k10', 0.1],
      ['k11', 1e300],
      ['k15', { $real: 'Infinity' }],
      ['k21', { $blob: '' }],
      ['k22', { $blob: 'AP+A' }],
      ['k23', { $text: '/w==' }],
      ['k24', { $text: '7aCA' }],
      ['k26', '\ufeffA'],
      ['k27', 'A\0B'],
      ['k28', '\ufffd is a sign, too'],
    ];
    for (const pair of expected)
      assert.deepEqual(
        values.find(([k]) => k === pair[0]),
        pair,
      );
    assert.deepEqual(
      leftOut.map(({ table }) => table),
      ['__drizzle_migrations', '__kinds_migrations_log', 'notes_fts'],
    );
  });

  it('is private: a folder of mode 0700 with files of mode 0600', async () => {
    using folder = temporaryFolder();
    using db = kit.createDb(folder.file('a.db'));
    const { to } = await exportDb(db);
    assert.match(to, /\/a-export-\d{8}T\d{9}Z$/);
    assert.equal(statSync(to).mode & 0o777, 0o700);
    assert.deepEqual([...new Set(readdirSync(to).map((name) => statSync(join(to, name)).mode & 0o777))], [0o600]);
  });

  it('of some tables can be imported if they refer to no other', async () => {
    using folder = temporaryFolder();
    using db = kit.createDb(folder.file('a.db'));
    fillKinds(db);
    db.$client.exec('DELETE FROM children WHERE id = 3');
    const some = await exportDb(db, { to: folder.file('some'), tables: ['Pairs', 'notes'] });
    assert.deepEqual(Object.keys(some.rows), ['pairs', 'notes']);
    await kit.importExport({ from: some.to, to: folder.file('some.db') });
    using copy = kit.createDb(folder.file('some.db'));
    assert.deepEqual(contentOf(copy).pairs, contentOf(db).pairs);
    const { to } = await exportDb(db, { to: folder.file('children'), tables: ['children'] });
    await assert.rejects(kit.importExport({ from: to, to: folder.file('c.db') }), { code: 'DANGLING' });
    assert.equal(existsSync(folder.file('c.db')), false);
    for (const tables of [['nothing'], ['notes_fts'], [], 'notes'] as never[])
      await assert.rejects(exportDb(db, { to: folder.file('x'), tables }), InvalidInputError);
  });

  it('of an older schema is read into that schema, and migrated', async () => {
    using folder = temporaryFolder();
    const to = folder.file('out');
    {
      using db = kinds(1).createDb(folder.file('a.db'));
      fillKinds(db);
      await exportDb(db, { to });
    }
    const { migrated } = await kit.importExport({ from: to, to: folder.file('b.db') });
    assert.deepEqual(migrated, ['0001_later']);
    assert.equal(kit.migrationStatus(folder.file('b.db')).state, 'current');
    using db = kit.createDb(folder.file('b.db'));
    assert.equal(db.$client.prepare("SELECT count(*) AS n FROM notes WHERE tone = 'plain'").get()?.n, 41);
    assert.equal(existsSync(folder.file('backups')), false);
  });

  it('sees one moment of a file that is written meanwhile', async () => {
    using folder = temporaryFolder();
    const to = folder.file('out');
    using db = kit.createDb(folder.file('a.db'));
    fillKinds(db, 20_000);
    let writes = 0;
    let isRunning = true;
    const exported = exportDb(db, { to }).finally(() => {
      isRunning = false;
    });
    const [note, count] = ['UPDATE notes SET body = ?', 'UPDATE counted SET n = ?'].map((sql) =>
      db.$client.prepare(sql),
    );
    while (isRunning) {
      writes++;
      db.$client.runTransaction(() => {
        for (const statement of [note, count]) statement?.run(writes);
        db.$client.exec('DELETE FROM pairs; INSERT INTO later DEFAULT VALUES');
      });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await exported;
    await kit.importExport({ from: to, to: folder.file('b.db') });
    using copy = kit.createDb(folder.file('b.db'));
    const all = (sql: string) => copy.$client.prepare(sql).all();
    const [moment] = all('SELECT n FROM counted');
    assert.ok(Number(moment?.n) < writes, `written ${writes} times, the last ones after the export's moment`);
    assert.deepEqual(all('SELECT DISTINCT body AS n FROM notes'), [{ n: String(moment?.n) }]);
    assert.deepEqual(all('SELECT count(*) AS n FROM later'), [moment]);
  });

  it('in UTF-16 keeps text that is none', async () => {
    using folder = temporaryFolder();
    {
      using made = kit.createDb(':memory:', { migrations: 'skip' });
      made.$client.exec("PRAGMA encoding = 'UTF-16be'");
      kit.runMigrations(made);
      made.$client.exec(
        "INSERT INTO notes (id, body) VALUES (1, CAST(x'00410d83d800' AS TEXT)), (2, CAST(x'0041fffd' AS TEXT)), (3, 'é😀')",
      );
      const expected = contentOf(made);
      await exportDb(made, { to: folder.file('out') });
      await kit.importExport({ from: folder.file('out'), to: folder.file('b.db') });
      using copy = kit.createDb(folder.file('b.db'));
      assert.equal(copy.$client.pragma('encoding', { simple: true }), 'UTF-16be');
      assert.deepEqual(contentOf(copy), expected);
    }
  });

  it('reports rows, and what the listener throws ends it and leaves nothing', async () => {
    using folder = temporaryFolder();
    using db = kit.createDb(folder.file('a.db'));
    fillKinds(db, 5000);
    const seen: ExportProgress[] = [];
    const { rows } = await exportDb(db, { to: folder.file('out'), onProgress: (progress) => seen.push(progress) });
    const total = Object.values(rows).reduce((sum, n) => sum + n, 0);
    assert.deepEqual([seen.at(-1)?.rows, seen.at(-1)?.totalRows], [total, total]);
    const stop = new Error('enough');
    const onProgress = () => {
      throw stop;
    };
    await assert.rejects(exportDb(db, { to: folder.file('no'), onProgress }), (error) => error === stop);
    await assert.rejects(
      kit.importExport({ from: folder.file('out'), to: folder.file('no.db'), onProgress }),
      (error) => error === stop,
    );
    assert.deepEqual(readdirSync(folder.path).sort(), ['a.db', 'a.db-shm', 'a.db-wal', 'out']);
  });

  it('ends if the database is closed, and leaves nothing', async () => {
    using folder = temporaryFolder();
    const db = kit.createDb(folder.file('a.db'));
    fillKinds(db, 20_000);
    const exported = exportDb(db, { to: folder.file('out') });
    await new Promise((resolve) => setImmediate(resolve));
    closeDb(db);
    await assert.rejects(exported, ClosedError);
    assert.deepEqual(readdirSync(folder.path), ['a.db']);
  });

  it('refuses a name that is taken, a folder that is missing, and options that do not exist', async () => {
    using folder = temporaryFolder();
    using db = kit.createDb(folder.file('a.db'));
    mkdirSync(folder.file('empty'));
    writeFileSync(folder.file('file'), 'mine');
    for (const to of ['empty', 'file', 'a.db'])
      await assert.rejects(exportDb(db, { to: folder.file(to) }), { code: 'TARGET_EXISTS' });
    await assert.rejects(exportDb(db, { to: folder.file('no/out') }), { code: 'FOLDER_MISSING' });
    await assert.rejects(exportDb(db, { table: ['notes'] } as never), /options.table is unknown; did you mean tables/);
    using memory = kit.createDb(':memory:');
    await assert.rejects(exportDb(memory), InvalidInputError);
    assert.equal(readFileSync(folder.file('file'), 'utf8'), 'mine');
    if (process.getuid?.() !== 0) {
      mkdirSync(folder.file('closed'), { mode: 0o500 });
      await assert.rejects(exportDb(db, { to: folder.file('closed/out') }), ExportError);
      chmodSync(folder.file('closed'), 0o700);
    }
  });
});
