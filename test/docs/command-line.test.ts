/** What all commands have in common: help with examples and exit codes, JSON, colours, and a status that fits a screen. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { createDb, PulseStore } from '#entry';
import { Pace } from '../../src/engine/cli/progress.ts';
import { temporaryFolder } from '../support/folder.ts';
import { ROOT, RUNTIME, runtimeCommand } from '../support/runtime.ts';

const COMMANDS = ['src/engine/cli/commands', 'src/cli/commands']
  .flatMap((folder) => readdirSync(join(ROOT, folder)))
  .map((name) => name.replace('.ts', ''));

/** Commands that only read, and what they are given; a file name stands for one in the folder. */
const READING = [['status'], ['doctor'], ['backups'], ['verify', 'backup.db'], ['studio'], ['migrate', '--dry-run']];

const SCREEN_LINES = 24;

function dorkDb(home: string, args: readonly string[], env: Record<string, string | undefined> = {}) {
  const [command, script] = runtimeCommand('src/cli/main.ts');
  return spawnSync(command, [script, ...args], {
    cwd: home,
    encoding: 'utf8',
    env: { ...process.env, DORK_HOME: home, NO_COLOR: '1', FORCE_COLOR: undefined, ...env },
  });
}

function withDatabase(): ReturnType<typeof temporaryFolder> {
  const folder = temporaryFolder();
  using db = createDb(folder.file('dork.db'));
  new PulseStore(db).createSchedule({ name: 'n', prompt: 'p', cron: '* * * * *' });
  return folder;
}

describe(`every command on ${RUNTIME}`, () => {
  it('has a help with examples and exit codes, and is in the list', () => {
    using folder = temporaryFolder();
    const list = dorkDb(folder.path, ['--help']).stdout;
    assert.match(list, /Examples:[\s\S]*Exit codes: 0 done, 1 /);
    assert.ok(COMMANDS.length > 12);
    for (const command of COMMANDS) {
      assert.match(list, new RegExp(`^ {2}${command} `, 'm'));
      const { status, stdout, stderr } = dorkDb(folder.path, [command, '--help']);
      assert.deepEqual([status, stderr], [0, ''], command);
      assert.match(stdout, /--json[\s\S]*Examples:\n {2}dork-db [\s\S]*Exit codes: 0 done, 1 /, command);
    }
    assert.deepEqual(readdirSync(folder.path), []);
  });

  it('that reads gives one JSON document on stdout and nothing on stderr', () => {
    using folder = withDatabase();
    const made = dorkDb(folder.path, ['backup', '--to', 'backup.db', '--json']);
    assert.equal(typeof JSON.parse(made.stdout).sha256, 'string', made.stderr);
    for (const args of READING) {
      const { status, stdout, stderr } = dorkDb(folder.path, [...args, '--json']);
      assert.ok(status === 0 || status === 3, `${args}: ${stdout}${stderr}`);
      assert.equal(typeof JSON.parse(stdout), 'object', args.join(' '));
      assert.equal(stderr, '', args.join(' '));
    }
  });

  it('prints colours where they are wished for, and none with NO_COLOR', () => {
    using folder = withDatabase();
    for (const args of [['doctor'], ['status'], ['verify', 'missing.db']]) {
      const [plain, coloured] = [
        dorkDb(folder.path, args),
        dorkDb(folder.path, args, { NO_COLOR: undefined, FORCE_COLOR: '1' }),
      ].map(({ stdout, stderr }) => stdout + stderr) as [string, string];
      assert.equal(stripVTControlCharacters(plain), plain, args.join(' '));
      assert.notEqual(stripVTControlCharacters(coloured), coloured, args.join(' '));
    }
  });
});

describe('dork-db status', () => {
  it('fits a screen: a sentence each for the file, the driver and the migrations, then the rows', () => {
    using folder = withDatabase();
    const { stdout } = dorkDb(folder.path, ['status']);
    const lines = stdout.trimEnd().split('\n');
    assert.ok(lines.length <= SCREEN_LINES, `${lines.length} lines`);
    assert.match(lines[0] ?? '', /dork\.db holds 1 row in \d+ tables: \d+\.\d kB, and 0 bytes in its -wal\.$/);
    assert.match(lines[1] ?? '', /^SQLite 3\.\S+ through (bun:sqlite|better-sqlite3) \S+ on (Bun|Node) \S+\.$/);
    assert.match(
      lines[2] ?? '',
      /^\d+ migrations applied, the newest \d{4}_\w+ on \d{4}-\d\d-\d\d; none is pending\.$/,
    );
  });

  it('says what creates the file where not even its folder is there, and creates neither', () => {
    using folder = temporaryFolder();
    const { status, stdout } = dorkDb(folder.path, ['status'], { DORK_HOME: folder.file('home') });
    assert.equal(status, 3);
    assert.match(stdout, /home\/dork\.db does not exist yet; dork-db migrate creates it\./);
    assert.match(stdout, /^No migration is applied; \d+ are pending: /m);
    const json = JSON.parse(dorkDb(folder.path, ['status', '--json'], { DORK_HOME: folder.file('home') }).stdout);
    assert.deepEqual([json.exists, json.filename], [false, folder.file('home/dork.db')]);
    assert.deepEqual(readdirSync(folder.path), []);
  });
});

describe('dork-db studio', () => {
  it('opens nothing and says how to look at a copy', () => {
    using folder = withDatabase();
    const { commands } = JSON.parse(dorkDb(folder.path, ['studio', '--json']).stdout);
    assert.ok(commands[0].startsWith(`dork-db backup --db '${folder.file('dork.db')}' --to copy.db`));
    const config = /^echo '(.*)' > drizzle\.config\.json$/.exec(commands[1])?.[1] ?? '';
    assert.deepEqual(JSON.parse(config), { dialect: 'sqlite', dbCredentials: { url: 'copy.db' } });
    assert.deepEqual(readdirSync(folder.path), ['dork.db']);
  });
});

describe('the pace of long work', () => {
  const place = { label: 'copying', total: 1000, shown: '', amount: (value: number) => `${value} B` };

  it('is what was done a second since the beginning, and what is left at that rate', () => {
    const pace = new Pace();
    assert.equal(pace.at({ ...place, value: 100 }, 0), '');
    assert.equal(pace.at({ ...place, value: 300 }, 2000), ', 100 B/s, 7.0 s left');
    assert.equal(pace.at({ ...place, value: 1000 }, 9000), ', 100 B/s, 0 ms left');
  });

  it('begins anew with each label, and is silent where nothing moves or nothing is counted', () => {
    const pace = new Pace();
    pace.at({ ...place, value: 500 }, 0);
    assert.equal(pace.at({ ...place, value: 500 }, 1000), '');
    assert.equal(pace.at({ ...place, label: 'verifying', value: 900 }, 2000), '');
    assert.equal(pace.at({ ...place, label: 'verifying', value: 950, amount: undefined }, 3000), '');
  });
});
