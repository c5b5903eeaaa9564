/** The program of examples/own-schema as its users run it, on both runtimes: its command line, and its server over HTTP. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { assertBuilt } from '../support/built.ts';
import { temporaryFolder } from '../support/folder.ts';
import { run } from '../support/processes.ts';
import { ROOT, type Runtime } from '../support/runtime.ts';
import { ServerProcess } from './server-process.ts';

const FOLDER = 'examples/own-schema';

function notesDb(runtime: Runtime, file: string, ...args: string[]) {
  const options = { runtime, cwd: join(ROOT, FOLDER), env: { NOTES_DB: file, NO_COLOR: '1' } };
  return run(`${FOLDER}/notes-db.ts`, args, options);
}

for (const runtime of ['bun', 'node'] as const) {
  describe(`examples/own-schema on ${runtime}`, { timeout: 120_000 }, () => {
    before(assertBuilt);

    const done = (file: string, ...args: string[]): string => {
      const { code, out, err } = notesDb(runtime, file, ...args);
      assert.equal(code, 0, `${args.join(' ')}: ${out}${err}`);
      return out;
    };

    it('has a schema, migrations and a module that agree', () => {
      using folder = temporaryFolder();
      assert.match(done(folder.file('none.db'), 'check'), /^The schema, drizzle and drizzle\/history\.ts agree\.\n$/);
    });

    it('adds, finds, backs up and restores notes from its command line', () => {
      using folder = temporaryFolder();
      const file = folder.file('notes.db');
      const early = notesDb(runtime, file, 'add', 'too early');
      assert.equal(early.code, 1);
      assert.match(early.err, /Try: notes-db migrate/);
      done(file, 'migrate');
      assert.equal(done(file, 'add', 'Shopping', '--body', 'milk and bread', '--tag', 'home', 'food'), '1: Shopping\n');
      assert.equal(done(file, 'add', 'AND "OR" *', '--body', "it's; DROP TABLE notes"), '2: AND "OR" *\n');
      assert.deepEqual(JSON.parse(done(file, 'search', 'bread', 'milk', '--json')), [
        { id: 1, title: 'Shopping', excerpt: '[milk] and [bread]' },
      ]);
      assert.match(done(file, 'search', 'AND', '"OR"', 'drop'), /it's; \[DROP\] TABLE notes/);
      assert.equal(notesDb(runtime, file, 'search', 'nothing').code, 3);
      const { path } = JSON.parse(done(file, 'backup', '--json'));
      done(file, 'add', 'later');
      const report = JSON.parse(done(file, 'restore', path, '--yes', '--json'));
      assert.equal(report.tables.notes.replaced.lost, 1);
      assert.equal(notesDb(runtime, file, 'search', 'later').code, 3, 'the search is restored with its notes');
      const { rows } = JSON.parse(done(file, 'status', '--json'));
      assert.deepEqual([rows.notes, rows.note_tags], [2, 2]);
    });

    it('serves notes and its health, makes a backup of the day, and ends with everything in the file', async () => {
      using folder = temporaryFolder();
      const file = folder.file('notes.db');
      await using server = await ServerProcess.run(`${FOLDER}/server.ts`, runtime, { NOTES_DB: file });
      const body = { title: 'Shopping', body: 'milk', tags: ['home'] };
      assert.deepEqual(await server.json('POST', '/notes', body), { id: 1 });
      assert.deepEqual(await server.json('GET', '/notes?q=milk'), [{ id: 1, title: 'Shopping', excerpt: '[milk]' }]);
      const health = await server.json<{ severity: string; findings: { severity: string }[] }>('GET', '/health');
      assert.notEqual(health.severity, 'error');
      assert.equal((await server.request('POST', '/notes', { title: null })).status, 500);
      assert.equal((await server.request('GET', '/nothing')).status, 404);
      assert.equal(await server.end(), 0, server.output);
      assert.deepEqual(readdirSync(folder.path).sort(), ['backups', 'notes.db']);
      assert.equal(readdirSync(folder.file('backups')).length, 1);
    });
  });
}
