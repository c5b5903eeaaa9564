/** `bun run generate` and `bun run check`, which are scripts of Bun, in a project of their own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { temporaryFolder } from '../support/folder.ts';
import { BUN, ROOT } from '../support/runtime.ts';

const SCHEMA = `import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
export const people = sqliteTable('people', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  age: integer('age'),
});
`;

/** A project of its own with one table, whose first migration is generated. */
class Project implements Disposable {
  readonly #folder = temporaryFolder();

  constructor() {
    for (const path of ['scripts', 'src/engine', 'src/dork/application-id.ts', 'package.json'])
      cpSync(join(ROOT, path), this.file(path), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), this.file('node_modules'));
    mkdirSync(this.file('drizzle'));
    this.schema(SCHEMA);
    assert.equal(this.run('generate', 'people').code, 0);
  }

  file(path: string): string {
    return join(this.#folder.path, path);
  }

  schema(text: string): void {
    writeFileSync(this.file('src/dork/schema.ts'), text);
  }

  /** Edits a file that is there. */
  edit(path: string, from: string | RegExp, to: string): void {
    const text = readFileSync(this.file(path), 'utf8');
    const edited = text.replace(from, to);
    assert.notEqual(edited, text);
    writeFileSync(this.file(path), edited);
  }

  run(script: 'generate' | 'check', ...args: string[]): { code: number | null; text: string } {
    const child = spawnSync(BUN, ['run', script, ...args], { cwd: this.#folder.path, encoding: 'utf8' });
    return { code: child.status, text: `${child.stdout}${child.stderr}` };
  }

  /** The names of the SQL files. */
  migrations(): string[] {
    return readdirSync(this.file('drizzle'))
      .filter((name) => name.endsWith('.sql'))
      .sort();
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

describe('bun run generate and bun run check', { timeout: 300_000 }, () => {
  it('make a migration of the schema, embed it, and agree', { timeout: 120_000 }, () => {
    using project = new Project();
    assert.deepEqual(project.migrations(), ['0000_people.sql']);
    assert.ok(existsSync(project.file('drizzle/history.ts')));
    assert.equal(project.run('check').code, 0);
    project.schema(SCHEMA.replace("integer('age'),", "integer('age'),\n  city: text('city'),"));
    const lacking = project.run('check');
    assert.equal(lacking.code, 1);
    assert.match(lacking.text, /The schema has changes that drizzle\/ lacks:\s+ALTER TABLE `people` ADD `city` text/);
    assert.deepEqual(project.migrations(), ['0000_people.sql']);
    assert.equal(project.run('generate', 'home_city').code, 0);
    assert.deepEqual(project.migrations(), ['0000_people.sql', '0001_home_city.sql']);
    assert.match(readFileSync(project.file('drizzle/history.ts'), 'utf8'), /"tag": "0001_home_city"/);
    assert.equal(project.run('check').code, 0);
  });

  it('refuse a name that is missing or says nothing, and change nothing', { timeout: 120_000 }, () => {
    using project = new Project();
    project.schema(SCHEMA.replace("integer('age'),", "integer('age'),\n  city: text('city'),"));
    for (const args of [[], ['update'], ['lazy_gambit'], ['home', 'city'], ['--name', 'home_city']]) {
      const { code, text } = project.run('generate', ...args);
      assert.equal(code, 2, args.join());
      assert.match(text, /Nothing was generated/);
    }
    assert.deepEqual(project.migrations(), ['0000_people.sql']);
  });

  it('do not take it for success where drizzle-kit does nothing or would ask', { timeout: 120_000 }, () => {
    using project = new Project();
    const nothing = project.run('generate', 'agent_budgets');
    assert.equal(nothing.code, 1);
    assert.match(nothing.text, /drizzle-kit created no migration; nothing was changed/);
    project.schema(SCHEMA.replace("age: integer('age')", "years: integer('years')"));
    const asks = project.run('check');
    assert.equal(asks.code, 1);
    assert.match(asks.text, /could not compare the schema/);
    assert.equal(project.run('generate', 'years_for_age').code, 1);
    assert.deepEqual(project.migrations(), ['0000_people.sql']);
  });

  it('find a trap as soon as it is generated', { timeout: 120_000 }, () => {
    using project = new Project();
    const module = readFileSync(project.file('drizzle/history.ts'), 'utf8');
    project.schema(
      SCHEMA.replace("text('name').notNull()", "text('name')").replace(
        "integer('age'),",
        "integer('age'),\n  city: text('city'),",
      ),
    );
    const { code, text } = project.run('generate', 'optional_names');
    assert.equal(code, 1);
    assert.match(text, /copies its column city, but the old table lacks it/);
    assert.equal(readFileSync(project.file('drizzle/history.ts'), 'utf8'), module);
    assert.equal(project.run('check').code, 1);
  });

  it('find SQL that was edited: not embedded, or yielding another schema', { timeout: 120_000 }, () => {
    using project = new Project();
    project.edit('drizzle/0000_people.sql', '`age` integer', '`age` integer, `extra` text');
    assert.match(project.run('check').text, /do not create the schema: people\.extra text is not in the schema/);
    project.edit('drizzle/0000_people.sql', ', `extra` text', '');
    assert.equal(project.run('check').code, 0);
    project.edit('drizzle/0000_people.sql', /^/, '-- a comment\n');
    const { code, text } = project.run('check');
    assert.equal(code, 1);
    assert.match(text, /drizzle\/history\.ts differs from the SQL files/);
  });
});
