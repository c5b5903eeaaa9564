/** generate, check and embed, as whoever changes a host's schema runs them, in a project of the host's own. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { temporaryFolder } from '../../support/folder.ts';
import { run } from '../../support/processes.ts';
import { ROOT, RUNTIME } from '../../support/runtime.ts';

const SCHEMA = `import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
export const notes = sqliteTable('notes', {
  id: integer().primaryKey({ autoIncrement: true }),
  noteTitle: text().notNull(),
});
`;

const CONFIG = `import { defineConfig } from 'drizzle-kit';
export default defineConfig({ dialect: 'sqlite', schema: './schema.ts', out: './migrations', casing: 'snake_case' });
`;

const SEARCH = [
  "CREATE VIRTUAL TABLE notes_fts USING fts5(note_title, content='notes', content_rowid='id')",
  'CREATE TRIGGER notes_insert AFTER INSERT ON notes BEGIN INSERT INTO notes_fts(rowid, note_title) VALUES (new.id, new.note_title); END',
].join(';\n--> statement-breakpoint\n');

/** A host's project with a schema and drizzle-kit. */
class Project implements Disposable {
  readonly #folder = temporaryFolder();

  constructor(config = CONFIG) {
    symlinkSync(join(ROOT, 'node_modules'), this.file('node_modules'));
    writeFileSync(this.file('package.json'), '{"type":"module"}');
    if (config !== '') writeFileSync(this.file('drizzle.config.ts'), config);
    this.write('schema.ts', SCHEMA);
  }

  file(path: string): string {
    return join(this.#folder.path, path);
  }

  write(path: string, text: string): void {
    writeFileSync(this.file(path), text);
  }

  read(path: string): string {
    return readFileSync(this.file(path), 'utf8');
  }

  run(...args: string[]): { code: number | null; text: string } {
    const { code, out, err } = run('src/cli/main.ts', args, { cwd: this.#folder.path, env: { NO_COLOR: '1' } });
    return { code, text: out + err };
  }

  done(...args: string[]): string {
    const { code, text } = this.run(...args);
    assert.equal(code, 0, `${args.join(' ')}: ${text}`);
    return text;
  }

  refused(code: number, message: RegExp, ...args: string[]): void {
    const found = this.run(...args);
    assert.equal(found.code, code, `${args.join(' ')}: ${found.text}`);
    assert.match(found.text, message);
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

describe(`generate, check and embed in a host's project, on ${RUNTIME}`, { timeout: 300_000 }, () => {
  it('take folder, schema and casing from drizzle.config.ts, and make a module that is kept in step', () => {
    using project = new Project();
    assert.match(
      project.done('generate', 'create_notes'),
      /migrations\/0000_create_notes\.sql was created\. Read its SQL/,
    );
    assert.match(project.read('migrations/0000_create_notes.sql'), /`note_title` text NOT NULL/);
    assert.equal(project.done('check'), 'The schema and migrations agree.\n');
    assert.match(project.done('embed'), /^migrations\/history\.ts holds 1 migration\.\n$/);
    assert.match(project.read('migrations/history.ts'), /import type \{ History \} from '@dorkos\/db\/engine';/);
    assert.doesNotMatch(project.read('migrations/history.ts'), /applicationId/);
    assert.equal(project.done('check'), 'The schema, migrations and migrations/history.ts agree.\n');

    project.write('schema.ts', SCHEMA.replace('text().notNull()', "text().notNull(),\n  body: text().default('')"));
    project.refused(1, /The schema has changes that migrations\/ lacks:\s+ALTER TABLE `notes` ADD `body`/, 'check');
    assert.match(project.done('generate', 'note_bodies'), /was created and embedded/);
    assert.match(project.read('migrations/history.ts'), /"tag": "0001_note_bodies"/);
    project.done('check');

    project.done('generate', 'full_text_search', '--custom');
    project.refused(1, /0002_full_text_search has no statement/, 'check');
    project.write('migrations/0002_full_text_search.sql', SEARCH);
    project.refused(1, /history\.ts differs from the SQL files\.\nTry: dork-db embed/, 'check');
    project.done('embed');
    project.done('check');
    assert.deepEqual(JSON.parse(project.done('check', '--json')), { problems: [] });
  });

  it('do not mind how the module is formatted, or where it is, and write JavaScript too', () => {
    using project = new Project();
    project.done('generate', 'create_notes');
    project.done('embed', 'migrations', '--to', 'src/notes.js');
    assert.match(project.read('src/notes.js'), /@type \{import\('@dorkos\/db\/engine'\)\.History\}/);
    project.done('check', 'migrations', '--module', 'src/notes.js');
    project.write(
      'src/notes.js',
      project.read('src/notes.js').replace('export const history =', 'export  const  history=\n'),
    );
    project.done('check', '--module', 'src/notes.js');
    project.write('src/notes.js', project.read('src/notes.js').replace('create_notes', 'made_notes'));
    project.refused(1, /src\/notes\.js differs from the SQL files/, 'check', '--module', 'src/notes.js');
    project.write('src/notes.js', 'syntax error');
    project.refused(1, /src\/notes\.js cannot be loaded/, 'check', '--module', 'src/notes.js');
    assert.equal(existsSync(project.file('migrations/history.ts')), false);
  });

  it('find what is out of order, a trap, and only from the given migration on', () => {
    using project = new Project();
    project.done('generate', 'create_notes');
    project.done('generate', 'no_more_notes', '--custom');
    project.write('migrations/0001_no_more_notes.sql', 'DELETE FROM notes');
    project.refused(1, /0001_no_more_notes deletes from notes and does not declare it/, 'check');
    project.done('generate', 'note_index', '--custom');
    project.write('migrations/0002_note_index.sql', 'CREATE INDEX notes_lower ON notes (lower(note_title))');
    project.done('check', '--since', '0002_note_index');
    project.refused(1, /--since must be the tag of a migration/, 'check', '--since', 'note_index');
    renameSync(project.file('migrations/0002_note_index.sql'), project.file('migrations/0002_other.sql'));
    project.refused(1, /0002_note_index\.sql is in the journal but not in the folder/, 'check');
  });

  it('refuse a name that says nothing, and a project that they know too little of; nothing is made', () => {
    using project = new Project('');
    project.refused(
      2,
      /the name of the migration must describe its purpose/,
      'generate',
      'update',
      '--schema',
      'schema.ts',
    );
    project.refused(1, /--schema is missing, and there is no drizzle\.config\.ts/, 'generate', 'create_notes');
    project.refused(2, /unknown option '--db'/, 'check', '--db', 'notes.db');
    assert.deepEqual(readdirSync(project.file('.')).sort(), ['node_modules', 'package.json', 'schema.ts']);
    project.done('generate', 'create_notes', '--schema', 'schema.ts', '--folder', 'sql');
    assert.deepEqual(readdirSync(project.file('sql')).sort(), ['0000_create_notes.sql', 'meta']);
    project.done('check', 'sql', '--schema', 'schema.ts');
    project.write('drizzle.config.ts', "throw new Error('no credentials');");
    project.refused(1, /drizzle\.config\.ts cannot be loaded: no credentials/, 'check');
    project.done('check', 'sql', '--schema', 'schema.ts');
    rmNodeModules(project);
    project.refused(
      1,
      /drizzle-kit must be installed/,
      'generate',
      'more_notes',
      '--schema',
      'schema.ts',
      '--folder',
      'sql',
    );
  });
});

function rmNodeModules(project: Project): void {
  renameSync(project.file('node_modules'), project.file('elsewhere'));
}
