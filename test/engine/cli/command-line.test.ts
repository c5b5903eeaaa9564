/** A host's own command line, as a person runs it, in processes of their own on this runtime. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { commandLine, defineDb, InvalidInputError } from '#entry';
import { columnsOf } from '../../../src/engine/cli/wrap.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { run } from '../../support/processes.ts';
import { RUNTIME, runtimeCommand } from '../../support/runtime.ts';
import { notesHistory, schema } from '../notes.ts';

const COMMANDS = ['backup', 'backups', 'checkpoint', 'compact', 'doctor', 'migrate', 'optimize', 'recover'].concat([
  'repair-ledger',
  'restore',
  'status',
  'studio',
  'verify',
]);

function notesDb(args: readonly string[], env: Record<string, string> = {}) {
  const own = { NO_COLOR: '1', NOTES_DB: undefined };
  const { code, out, err } = run('test/engine/cli/fixtures/notes-db.ts', args, { env: { ...own, ...env } });
  return { code, out, err };
}

describe(`a host's command line on ${RUNTIME}`, () => {
  it('has every command of the engine and the host, each with its help under the name of the host', () => {
    const list = notesDb(['--help']);
    assert.equal(list.code, 0, list.err);
    assert.match(list.out, /^Usage: notes-db [\s\S]*Notes\.[\s\S]*\n {2}notes-db migrate +create the file/);
    for (const name of [...COMMANDS, 'add', 'find']) assert.match(list.out, new RegExp(`^ {2}${name} `, 'm'), name);
    assert.equal(notesDb(['--version']).out, '1.2.3\n');
    for (const name of ['backup', 'verify', 'find']) {
      const { code, out } = notesDb([name, '--help']);
      assert.equal(code, 0);
      assert.match(out, /--json[\s\S]*Examples:\n {2}notes-db [\s\S]*Exit codes: 0 done/);
      assert.doesNotMatch(out, /[{}]|dork/i);
    }
    assert.match(notesDb(['add', '--help']).out, /add notes to notes/);
  });

  it('brings a file through its life: made, filled, backed up, lost, restored, compacted, examined', () => {
    using folder = temporaryFolder();
    const file = folder.file('notes.db');
    const env = { NOTES_DB: file };
    const json = (...args: string[]) => {
      const { code, out, err } = notesDb([...args, '--json'], env);
      assert.ok(code === 0 || code === 3, `${args}: ${out}${err}`);
      return JSON.parse(out);
    };
    assert.match(notesDb(['status'], env).out, /does not exist yet; notes-db migrate creates it/);
    assert.equal(json('migrate').applied.length, 3);
    assert.deepEqual(json('add', 'milk', 'silk', 'bread'), { added: 3 });
    assert.deepEqual(notesDb(['find', 'ilk'], env), { code: 0, out: 'id  title\n 1  milk\n 2  silk\n', err: '' });
    assert.equal(json('find', 'ilk', '--limit', '1').length, 1);
    const { path } = json('backup', '--label', 'by hand');
    assert.equal(json('verify', path).rows.notes, 3);
    json('add', 'later');
    const undone = notesDb(['restore', path, '--yes'], env);
    assert.equal(undone.code, 0, undone.err);
    assert.match(undone.out, /notes +3 /);
    assert.deepEqual(json('find', 'later'), []);
    assert.equal(json('compact').rows.notes, 3);
    assert.equal(json('checkpoint').busy, false);
    assert.ok(Array.isArray(json('optimize').analyzed));
    assert.equal(json('recover', '--to', folder.file('saved.db')).rows.notes, 3);
    assert.match(notesDb(['backups'], env).out, /by-hand[\s\S]*notes-db verify FILE reads every page/);
    assert.notEqual(json('doctor').severity, 'error');
    assert.equal(json('status').rows.notes, 3);
    assert.equal(json('migrate', '--rehearse').pending.length, 0);
  });

  it('names itself in hints', () => {
    using folder = temporaryFolder();
    const file = folder.file('notes.db');
    const missing = notesDb(['doctor', '--db', file]);
    assert.equal(missing.code, 1);
    assert.match(missing.err, /^Error: .*notes\.db does not exist.*\nTry: notes-db migrate creates it/);
    assert.equal(existsSync(file), false);
    assert.equal(notesDb(['migrate', '--db', file]).code, 0);
    const ahead = notesDb(['add', 'x', '--db', file], { NOTES_MIGRATIONS: '1' });
    assert.equal(ahead.code, 0, 'open() leaves migrations alone');
    const refused = notesDb(['migrate', '--db', file, '--json'], { NOTES_MIGRATIONS: '1' });
    assert.equal(refused.code, 1);
    assert.doesNotMatch(refused.out, /dork-db/);
    assert.equal(JSON.parse(refused.out).error.name, 'MigrationError');
  });

  it('exits with 2 for a wrong command line, and with what the host says', () => {
    using folder = temporaryFolder();
    const file = folder.file('notes.db');
    assert.equal(notesDb(['migrate', '--db', file]).code, 0);
    const cases: [number, RegExp, ...string[]][] = [
      [2, /see notes-db --help/, 'nothing'],
      [2, /required option '--db <path>'/, 'status'],
      [2, /missing required argument 'word'/, 'find', '--db', file],
      [2, /--limit must be positive/, 'find', 'x', '--db', file, '--limit', '0'],
      [2, /cannot be used with/, 'find', 'x', '--db', file, '--limit', '1', '--quiet'],
      [2, /It must be a non-negative integer/, 'checkpoint', '--db', file, '--wait', 'long'],
      [3, /^id {2}title/, 'find', 'nothing', '--db', file],
      [1, /Error: not here/, 'studio'],
      [2, /unknown option '--db'/, 'studio', '--db', file],
    ];
    for (const [code, text, ...args] of cases) {
      const found = notesDb(args);
      assert.equal(found.code, code, `${args}: ${found.out}${found.err}`);
      assert.match(found.out + found.err, text, args.join(' '));
    }
    assert.deepEqual(readdirSync(folder.path), ['notes.db']);
  });

  it('needs the name of the command', async () => {
    const kit = defineDb({ name: 'notes', schema, history: notesHistory() });
    await assert.rejects(commandLine(kit, { argv: ['status'] }), InvalidInputError);
    for (const other of ['notes', undefined, null, {}, kit.definition])
      await assert.rejects(commandLine(other as unknown as typeof kit, { argv: ['status'] }), {
        name: 'InvalidInputError',
        message: /^kit must be what defineDb\(\) returns/,
      });
    const named = defineDb({ name: 'notes', schema, history: notesHistory(), command: 'notes-db' });
    const misspelled = { comands: [] } as object;
    await assert.rejects(commandLine(named, misspelled), /did you mean commands/);
  });

  it('says without a command how the file is and what there is to do', async () => {
    using folder = temporaryFolder();
    const env = { NOTES_DB: folder.file('notes.db') };
    const none = notesDb([], env);
    assert.match(none.out, /does not exist yet\.\nNext: notes-db migrate/);
    assert.equal(none.code, 3, 'as status');
    assert.deepEqual(readdirSync(folder.path), []);
    notesDb(['migrate'], env);
    notesDb(['backup'], env);
    const { code, out } = notesDb([], env);
    assert.equal(code, 0);
    assert.match(out, /Every migration is applied\. The newest backup is 0 minutes old\.\nNext: notes-db doctor/);
    assert.match(out, /^Copies +backup backups export import recover restore verify writer$/m);
    assert.match(out, /^More +add find studio$/m);
    assert.ok(out.split('\n').length <= 16, out);
    const path = folder.file('notes.db');
    for (const words of [['--db', path], [`--db=${path}`]]) assert.equal(notesDb(words).out, out);
    const status = notesDb(['status', '--db', path, '--json']).out;
    for (const words of [
      ['--db', path, '--json', 'status'],
      ['--json', `--db=${path}`, 'status'],
      ['--db', path, '--json'],
    ])
      assert.deepEqual(notesDb(words), { code: 0, out: status, err: '' });
    assert.deepEqual(notesDb(['--db']).code, 2);
    writeFileSync(folder.file('other.db'), 'no database');
    const other = notesDb([], { NOTES_DB: folder.file('other.db') });
    assert.match(other.out, /is not a SQLite database[\s\S]*Try: /);
    assert.equal(other.code, 1);
  });

  it('fits a terminal of 80 columns', () => {
    // `script` gives a command a terminal; without it there is none to be had.
    if (spawnSync('script', ['--version']).status !== 0) return;
    using folder = temporaryFolder();
    const file = folder.file('n.db');
    notesDb(['migrate'], { NOTES_DB: file });
    notesDb(['add', 'milk'], { NOTES_DB: file });
    notesDb(['backup'], { NOTES_DB: file });
    const [command, script] = runtimeCommand('test/engine/cli/fixtures/notes-db.ts', RUNTIME);
    for (const args of [
      '',
      '--help',
      'status',
      'doctor',
      'backups',
      'migrate --dry-run',
      'backup --help',
      'verify x',
    ]) {
      const line = `stty cols 80; ${command} ${script} ${args}`;
      const { stdout } = spawnSync('script', ['-qec', line, '/dev/null'], {
        encoding: 'utf8',
        env: { ...process.env, NOTES_DB: file, NO_COLOR: '1', FORCE_COLOR: undefined },
      });
      assert.ok(stdout.length > 20, args);
      // A path is one word.
      const wide = stdout.split('\n').filter((text) => columnsOf(text.trimEnd()) > 80 && !text.includes(folder.path));
      assert.deepEqual(wide, [], args);
    }
  });

  it('completes its words in a shell', () => {
    const { code, out } = notesDb(['completion', 'bash']);
    assert.equal(code, 0);
    const complete = (words: string) => {
      const ask = `${out}\nCOMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _notes_db; echo "\${COMPREPLY[@]}"`;
      return spawnSync('bash', ['-c', ask], { encoding: 'utf8' }).stdout.trim();
    };
    assert.equal(complete('notes-db back'), 'backup backups');
    assert.equal(complete('notes-db ad'), 'add');
    assert.match(complete('notes-db backup --d'), /--dir --daily --deep --db/);
    for (const shell of ['zsh', 'fish']) {
      const script = notesDb(['completion', shell]).out;
      for (const name of [...COMMANDS, 'add', 'find', 'completion'])
        assert.ok(script.includes(name), `${shell} ${name}`);
      if (spawnSync(shell, ['--version']).status !== 0) continue;
      using folder = temporaryFolder();
      const file = folder.file('completion');
      writeFileSync(file, script);
      const { status, stderr } = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    }
    assert.equal(notesDb(['completion', 'sh']).code, 2);
  });
});
