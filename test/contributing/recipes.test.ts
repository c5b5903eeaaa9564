/** The recipes of CONTRIBUTING.md, gone through in a scratch copy of the project: what they leave out fails here. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { temporaryFolder } from '../support/folder.ts';
import { BUN, NODE, ROOT } from '../support/runtime.ts';

const NOT_COPIED = new Set(['node_modules', 'dist', '.git', '.tmp', '.bun']);
const RECIPE_MS = 300_000;

describe('the recipes of CONTRIBUTING.md', () => {
  let folder: ReturnType<typeof temporaryFolder>;

  before(() => {
    folder = temporaryFolder();
    for (const name of readdirSync(ROOT)) {
      if (!NOT_COPIED.has(name) && !name.startsWith('.dist-'))
        cpSync(join(ROOT, name), folder.file(name), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), folder.file('node_modules'));
  });
  after(() => folder[Symbol.dispose]());

  function write(path: string, text: string): void {
    mkdirSync(dirname(folder.file(path)), { recursive: true });
    writeFileSync(folder.file(path), text);
  }

  /** Replaces the first place of a text, which must be there. */
  function edit(path: string, from: string, to: string): void {
    const text = readFileSync(folder.file(path), 'utf8');
    assert.ok(text.includes(from), `${path} has no ${from}`);
    write(
      path,
      text.replace(from, () => to),
    );
  }

  function done(command: string, args: readonly string[], env: Record<string, string> = {}): string {
    const { status, stdout, stderr } = spawnSync(command, args, {
      cwd: folder.path,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1', ...env },
    });
    assert.equal(status, 0, `${args.join(' ')}\n${stdout}${stderr}`);
    return stdout;
  }

  const bun = (...args: string[]) => done(BUN, args);

  /** Runs a program on the sources of the copy. */
  function program(text: string, runtime: string, env: Record<string, string> = {}): unknown {
    write('program.ts', text);
    return JSON.parse(done(runtime, ['program.ts'], env));
  }

  it('a column: generated, checked, shown by the tests of the tables', { timeout: RECIPE_MS }, () => {
    edit(
      'src/dork/pulse/schema.ts',
      "    sessionId: text('session_id'),\n",
      "    sessionId: text('session_id'),\n    /** Words of whoever looks at the run. */\n    labels: text('labels'),\n",
    );
    bun('run', 'generate', 'add_run_labels');
    edit(
      'test/dork/schema/tables.test.ts',
      'created_at text",\n  relay_index:',
      'created_at text, labels text?",\n  relay_index:',
    );
    bun('run', 'check');
    bun('run', 'tables');
    bun(
      'test',
      '--timeout',
      '120000',
      'test/docs/tables.test.ts',
      'test/dork/schema/tables.test.ts',
      'test/engine/migrations/history-on-data.test.ts',
    );
  });

  it('a method of a store: a statement, the method, a program that calls it', { timeout: RECIPE_MS }, () => {
    edit(
      'src/dork/pulse/schedule-statements.ts',
      '    delete: statement(',
      `    named: statement<StoredSchedule>(
      db,
      () => db.select(schedule).from(pulseSchedules).where(eq(pulseSchedules.name, arg('name'))),
      'name',
    ),
    delete: statement(`,
    );
    edit(
      'src/dork/pulse/pulse-store.ts',
      '  /**\n',
      `  /** Returns how many schedules have a name. @throws InvalidInputError for a name that is not text. */
  countNamed(name: string): number {
    return this.#schedules.named.all(textArgument(name, 'name')).length;
  }

  /**\n`,
    );
    const counted = program(
      `import { createDb, guardDomains, PulseStore } from './src/index.ts';
       using db = createDb(':memory:');
       guardDomains(db);
       const pulse = new PulseStore(db);
       pulse.createSchedule({ name: 'n', prompt: 'p', cron: '* * * * *' });
       console.log(JSON.stringify([pulse.countNamed('n'), pulse.countNamed('other')]));`,
      BUN,
    );
    assert.deepEqual(counted, [1, 0]);
  });

  it('a command: of DorkOS, and of every database', { timeout: RECIPE_MS }, () => {
    const command = (name: string, up: string) => `import type { Command } from '${up}command.ts';

export const ${name}: Command = {
  name: '${name}',
  description: 'count the tables',
  examples: ['${name}'],
  run: (call) => {
    using db = call.open();
    const tables = db.$client.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table'").get()?.n;
    call.print({ tables }, \`\${tables} tables\`);
  },
};
`;
    write('src/engine/cli/commands/tables.ts', command('tables', '../'));
    edit(
      'src/engine/cli/program.ts',
      'import { verify }',
      "import { tables } from './commands/tables.ts';\nimport { verify }",
    );
    edit('src/engine/cli/program.ts', '  verify,\n', '  tables,\n  verify,\n');
    write('src/cli/commands/count.ts', command('count', '../../engine/cli/'));
    edit(
      'src/cli/main.ts',
      'import { importOlder }',
      "import { count } from './commands/count.ts';\nimport { importOlder }",
    );
    edit('src/cli/main.ts', 'commands: [', 'commands: [count, ');
    bun('src/cli/main.ts', 'migrate', '--db', folder.file('dork.db'));
    for (const name of ['tables', 'count']) {
      assert.match(bun('src/cli/main.ts', name, '--db', folder.file('dork.db')), /^\d+ tables\n$/);
    }
    bun('test', '--timeout', '120000', 'test/docs/command-line.test.ts', '-t', 'has a help');
  });

  it('a driver: an adapter under a name of its own, chosen on Node', { timeout: RECIPE_MS }, () => {
    write(
      'src/engine/driver/node-other.ts',
      `import type { Adapter } from './adapter.ts';
import { nodeSqlite } from './node-sqlite.ts';

export const nodeOther: Adapter = { ...nodeSqlite, driver: 'other' };
`,
    );
    edit('src/engine/driver/adapter.ts', "| 'node:sqlite';", "| 'node:sqlite' | 'other';");
    edit(
      'src/engine/driver/on-node.ts',
      "import { nodeSqlite } from './node-sqlite.ts';",
      "import { nodeOther } from './node-other.ts';\nimport { nodeSqlite } from './node-sqlite.ts';",
    );
    edit(
      'src/engine/driver/on-node.ts',
      "'node:sqlite': nodeSqlite }",
      "'node:sqlite': nodeSqlite, other: nodeOther }",
    );
    const driver = program(
      `import { closeDb, createDb } from './src/node.ts';
       const db = createDb(':memory:');
       console.log(JSON.stringify(db.$client.driver));
       closeDb(db);`,
      NODE,
      { DORK_DB_DRIVER: 'other' },
    );
    assert.equal(driver, 'other');
  });

  it('a domain: tables, a store, an entry of its own, and arrows that hold', { timeout: RECIPE_MS }, () => {
    write(
      'src/dork/memo/schema.ts',
      `import { sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** Notes of a person. */
export const memos = sqliteTable('memos', { id: text('id').primaryKey(), body: text('body').notNull() });
`,
    );
    write(
      'src/dork/memo/memo-store.ts',
      `import { sql } from 'drizzle-orm/sql';
import type { StoreDb } from '../../engine/connection/db.ts';
import { textArgument } from '../../engine/input.ts';
import { newId } from '../../stores/ids.ts';
import { columnsOf, statementsOf } from '../../stores/statements.ts';
import { memos } from './schema.ts';

/** A person's note. */
export interface Memo {
  id: string;
  body: string;
}

const statement = statementsOf('memo');
const arg = sql.placeholder;

/** Notes of a person. @throws InvalidInputError for a body that is not text. */
export class MemoStore {
  readonly #insert;
  readonly #all;

  constructor(db: StoreDb) {
    this.#insert = statement(db, () => db.insert(memos).values({ id: arg('id'), body: arg('body') }), 'id', 'body');
    this.#all = statement<Memo>(db, () => db.select(columnsOf(memos)).from(memos));
  }

  add(body: string): Memo {
    const memo = { id: newId(), body: textArgument(body, 'body') };
    this.#insert.run(memo.id, memo.body);
    return memo;
  }

  list(): Memo[] {
    return this.#all.all();
  }
}
`,
    );
    write(
      'src/dork/memo/index.ts',
      "export { type Memo, MemoStore } from './memo-store.ts';\nexport * from './schema.ts';\n",
    );
    edit(
      'src/dork/schema.ts',
      "export * from './mesh/schema.ts';",
      "export * from './memo/schema.ts';\nexport * from './mesh/schema.ts';",
    );
    edit(
      'src/dork/guard-domains.ts',
      'import * as mesh',
      "import * as memo from './memo/schema.ts';\nimport * as mesh",
    );
    edit('src/dork/guard-domains.ts', '{ pulse, relay, mesh }', '{ pulse, relay, mesh, memo }');
    edit(
      'src/public.ts',
      'export {\n  type AgentBehavior',
      "export { type Memo, MemoStore } from './dork/memo/index.ts';\nexport {\n  type AgentBehavior",
    );
    const entry = (name: string) => `"./${name}": {
      "types": "./dist/types/src/dork/${name}/index.d.ts",
      "bun": "./dist/bun/${name}/index.js",
      "module": "./dist/${name}/index.js",
      "default": "./dist/node/${name}/index.js"
    },
    `;
    edit('package.json', '"./mesh": {', `${entry('memo')}"./mesh": {`);
    edit('scripts/build.ts', "  'mesh/index'", "  'memo/index': ['dork/memo/index', STORES],\n  'mesh/index'");
    edit('src/dork/stores.ts', "export * from './mesh", "export * from './memo/index.ts';\nexport * from './mesh");
    edit('test/support/layers.ts', "'dork/mesh']", "'dork/mesh', 'dork/memo']");
    edit('test/architecture.test.ts', "'relay', 'mesh']", "'relay', 'mesh', 'memo']");
    edit('biome.json', '"src/dork/mesh/**"]', '"src/dork/mesh/**", "src/dork/memo/**"]');
    bun('run', 'generate', 'keep_memos');
    bun('run', 'check');
    const listed = program(
      `import { createDb, guardDomains, MemoStore } from './src/index.ts';
       using db = createDb(':memory:');
       guardDomains(db);
       const store = new MemoStore(db);
       store.add('milk');
       console.log(JSON.stringify([store.list().length, db.query.memos.findMany().sync().length]));`,
      BUN,
    );
    assert.deepEqual(listed, [1, 1]);
  });

  it('leave a project that compiles, whose arrows hold, that builds, and that Biome is content with', {
    timeout: RECIPE_MS,
  }, () => {
    bun('run', 'types');
    bun('test', '--timeout', '120000', 'test/architecture.test.ts', 'test/entries.test.ts', 'test/dork/guard');
    done(join(ROOT, 'node_modules', '.bin', 'biome'), ['lint', 'src']);
    bun('run', 'build');
    assert.ok(readdirSync(folder.file('dist/bun/memo')).includes('index.js'));
  });
});
