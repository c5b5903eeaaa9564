/** Exports that are not whole, or not of this database, are refused by name, and no file is made. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { defineDb, ExportError, exportDb } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { historyOf, migration } from '../migrations/support.ts';
import { contentOf, filesOf, fillKinds, kinds } from './support.ts';

const kit = kinds();

type Edit = (folder: string) => void;

/** Replaces text in a file, and makes the manifest say what the file then is, as someone who means it would. */
function edit(name: string, from: string | RegExp, to: string, isHonest = false): Edit {
  return (folder) => {
    const path = join(folder, name);
    const text = readFileSync(path, 'latin1');
    const edited = text.replace(from, to);
    assert.notEqual(edited, text, 'the edit changes something');
    writeFileSync(path, edited, 'latin1');
    if (isHonest) return;
    const manifest = JSON.parse(readFileSync(join(folder, 'export.json'), 'utf8'));
    for (const table of manifest.tables) {
      if (table.file !== name) continue;
      table.bytes = edited.length;
      table.sha256 = createHash('sha256').update(Buffer.from(edited, 'latin1')).digest('hex');
    }
    writeFileSync(join(folder, 'export.json'), JSON.stringify(manifest));
  };
}

/** Changes the manifest. */
function manifest(change: (manifest: { tables: { table: string }[]; migrations: string[] }) => void): Edit {
  return (folder) => {
    const path = join(folder, 'export.json');
    const json = JSON.parse(readFileSync(path, 'utf8'));
    change(json);
    writeFileSync(path, JSON.stringify(json));
  };
}

const tableOf = (json: { tables: { table: string; rows: number; file: string; sha256: string }[] }, name: string) => {
  const found = json.tables.find(({ table }) => table === name);
  assert.ok(found);
  return found;
};

const CASES: Record<string, [edit: Edit, code: string, named: RegExp]> = {
  'no manifest': [(f) => rmSync(join(f, 'export.json')), 'NOT_AN_EXPORT', /export\.json/],
  'a manifest that is no JSON': [(f) => writeFileSync(join(f, 'export.json'), '{'), 'CHANGED_EXPORT', /export\.json/],
  'a manifest of another form': [
    manifest((m) => Object.assign(m, { format: 2 })),
    'CHANGED_EXPORT',
    /format.*another version/,
  ],
  'a missing file of rows': [(f) => rmSync(join(f, 'notes.jsonl')), 'MISSING_FILE', /notes\.jsonl/],
  'a missing schema': [(f) => rmSync(join(f, 'notes.schema.json')), 'MISSING_FILE', /notes\.schema\.json/],
  'a renamed file': [(f) => renameSync(join(f, 'pairs.jsonl'), join(f, 'pears.jsonl')), 'MISSING_FILE', /pairs\.jsonl/],
  'a file that is cut off': [
    edit('notes.jsonl', /.{9}$/s, '', true),
    'CHANGED_EXPORT',
    /notes\.jsonl has \d+ bytes, not/,
  ],
  'a file that is cut off, and a manifest to match': [
    edit('notes.jsonl', /.{9}$/s, ''),
    'CUT_LINE',
    /notes\.jsonl line 41/,
  ],
  'a last line without its end': [edit('notes.jsonl', /\n$/, ''), 'CUT_LINE', /notes\.jsonl line 41/],
  'a value that was changed': [
    edit('notes.jsonl', 'word7', 'werd7', true),
    'CHANGED_EXPORT',
    /notes\.jsonl has another SHA-256/,
  ],
  'a line less': [edit('notes.jsonl', /.*\n/, ''), 'WRONG_COUNT', /notes\.jsonl has 40 rows.*41/],
  'a line more': [edit('notes.jsonl', /$/, '{"id":999,"body":"x","tone":"y"}\n'), 'WRONG_COUNT', /has 42 rows.*41/],
  'a wrong count': [
    manifest((m) => Object.assign(tableOf(m as never, 'notes'), { rows: 7 })),
    'WRONG_COUNT',
    /notes\.jsonl has 41 rows.*7/,
  ],
  'a line with a foreign column': [
    edit('notes.jsonl', '"id":', '"idea":1,"id":'),
    'CHANGED_EXPORT',
    /line 1 has a column idea/,
  ],
  'a line without a column': [
    edit('notes.jsonl', ',"tone":"plain"', ''),
    'CHANGED_EXPORT',
    /line 1 has no valid value for tone/,
  ],
  'a line that is an array': [edit('notes.jsonl', /.*\n/, '[1]\n'), 'CHANGED_EXPORT', /line 1 contains no row/],
  'a value of no kind': [
    edit('notes.jsonl', '"plain"', 'true'),
    'CHANGED_EXPORT',
    /line 1 has no valid value for tone/,
  ],
  'an integer that is too great': [
    edit('anything.jsonl', '{"$int":"9223372036854775807"}', '{"$int":"9223372036854775808"}'),
    'CHANGED_EXPORT',
    /no valid value for value/,
  ],
  'bytes that are not base64': [
    edit('strict_one.jsonl', '{"$blob":"AP+A"}', '{"$blob":"A*+A"}'),
    'CHANGED_EXPORT',
    /no valid value for v/,
  ],
  'bytes that are not UTF-8': [edit('notes.jsonl', 'word7', 'wo\xff7'), 'CUT_LINE', /notes\.jsonl line \d/],
  'a row twice': [edit('notes.jsonl', /(.*\n)/, '$1$1'), 'REFUSED_ROW', /notes\.jsonl line 2 .*unique/],
  'a value of the type that its column does not keep': [
    edit('anything.jsonl', '"i":"plain"', '"i":"5"'),
    'NOT_EQUAL',
    /anything/,
  ],
  'a foreign column in the schema': [
    edit('notes.schema.json', '"name": "tone"', '"name": "tune"'),
    'FOREIGN_COLUMN',
    /notes has a column tune/,
  ],
  'a schema of another table': [
    edit('notes.schema.json', '"table": "notes"', '"table": "pairs"'),
    'CHANGED_EXPORT',
    /notes\.schema\.json belongs to another table/,
  ],
  'a table that is not there': [
    manifest((m) => Object.assign(m, { tables: m.tables.filter(({ table }) => table !== 'pairs') })),
    'MISSING_TABLE',
    /pairs/,
  ],
  'a foreign table': [
    (f) => {
      edit('pairs.schema.json', '"table": "pairs"', '"table": "pears"')(f);
      manifest((m) => Object.assign(tableOf(m as never, 'pairs'), { table: 'pears' }))(f);
    },
    'FOREIGN_TABLE',
    /pears/,
  ],
  'a path out of the folder': [
    manifest((m) => Object.assign(tableOf(m as never, 'pairs'), { file: '../a.db' })),
    'CHANGED_EXPORT',
    /tables\.\d+\.file/,
  ],
  'a migration that is not known': [manifest((m) => m.migrations.push('abc')), 'NEWER_EXPORT', /1 migration that/],
  'another history': [manifest((m) => Object.assign(m, { migrations: ['abc'] })), 'OTHER_HISTORY', /0000_kinds/],
};

describe(`importExport() on ${RUNTIME} of`, () => {
  let folder: ReturnType<typeof temporaryFolder>;
  before(async () => {
    folder = temporaryFolder();
    using db = kit.createDb(folder.file('a.db'));
    fillKinds(db);
    await exportDb(db, { to: folder.file('out') });
  });
  after(() => folder[Symbol.dispose]());

  for (const [name, [change, code, named]] of Object.entries(CASES)) {
    it(`${name} is refused, and changes nothing`, async () => {
      const from = folder.file('tampered');
      cpSync(folder.file('out'), from, { recursive: true });
      change(from);
      const files = filesOf(from);
      const others = readdirSync(folder.path);
      await assert.rejects(kit.importExport({ from, to: folder.file('b.db') }), (error) => {
        assert.ok(error instanceof ExportError, String(error));
        assert.match(error.message, named);
        assert.equal(error.code, code);
        return true;
      });
      assert.deepEqual(readdirSync(folder.path), others);
      assert.deepEqual(filesOf(from), files);
      rmSync(from, { recursive: true });
    });
  }

  it('a database of another program is refused by its history', async () => {
    const other = defineDb({
      name: 'other',
      schema: {},
      history: historyOf(migration('0000_x', 'CREATE TABLE x (a)')),
    });
    await assert.rejects(other.importExport({ from: folder.file('out'), to: folder.file('x.db') }), {
      code: 'OTHER_HISTORY',
    });
  });

  it('a place that is taken, or has a -wal of something else, is refused', async () => {
    const from = folder.file('out');
    await assert.rejects(kit.importExport({ from, to: folder.file('a.db') }), { code: 'TARGET_EXISTS' });
    writeFileSync(folder.file('c.db-wal'), 'mine');
    await assert.rejects(kit.importExport({ from, to: folder.file('c.db') }), { code: 'TARGET_EXISTS' });
    assert.equal(readFileSync(folder.file('c.db-wal'), 'utf8'), 'mine');
    await assert.rejects(kit.importExport({ from, to: folder.file('no/c.db') }), { code: 'FOLDER_MISSING' });
    using db = kit.createDb(folder.file('a.db'));
    assert.equal((contentOf(db).notes as unknown[]).length, 41);
  });
});
