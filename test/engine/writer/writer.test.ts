/** One of several machines writes: folders stand for machines, each with its own copy, and one folder that they share. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { describe, it } from 'node:test';
import { createDb, DenialList, health, restore, runMigrations, writer } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { dorkDb } from '../../support/processes.ts';
import { DRIVER, RUNTIME, runtimeCommand } from '../../support/runtime.ts';

const codeOf = (run: () => unknown): string | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

/** Machines that share a folder. `machine('a')` returns the path of its database. */
function machines() {
  const folder = temporaryFolder();
  const shared = folder.file('shared');
  mkdirSync(shared);
  return {
    shared,
    folder,
    machine(name: string): string {
      const home = folder.file(name);
      mkdirSync(home, { recursive: true });
      return `${home}/dork.db`;
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

function deny(file: string, path: string): void {
  using db = createDb(file);
  new DenialList(db).deny(path, 'test', null, 'me');
}

function denials(file: string): string[] {
  using db = createDb(file, { readonly: true, migrations: 'skip' });
  return new DenialList(db)
    .list()
    .map((row) => row.path)
    .sort();
}

async function outputOf(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const chunk of child.stdout) output += chunk;
  return output;
}

describe(`one writer of several machines on ${DRIVER}`, () => {
  it('changes nothing for a database that joined no folder', () => {
    using all = machines();
    const a = all.machine('a');
    deny(a, '/1');
    assert.deepEqual(writer({ path: a }), { path: a, isWriter: true, term: 0 });
    assert.equal(
      codeOf(() => writer({ path: a, takeOver: true })),
      'INVALID_INPUT',
    );
    assert.equal(
      codeOf(() => writer({ path: a, leave: true })),
      'INVALID_INPUT',
    );
    assert.equal(
      codeOf(() => writer({ path: a, join: all.folder.file('missing') })),
      'INVALID_INPUT',
    );
    assert.deepEqual(readdirSync(all.folder.file('a')), ['dork.db']);
    deny(a, '/2');
  });

  it('lets nobody write before a machine took over, then that one only', () => {
    using all = machines();
    const [a, b] = [all.machine('a'), all.machine('b')];
    deny(a, '/1');
    for (const path of [a, b]) {
      assert.equal(writer({ path, join: all.shared }).isWriter, false);
      assert.equal(
        codeOf(() => createDb(path)),
        'NOT_THE_WRITER',
      );
      assert.equal(
        codeOf(() => runMigrations(path)),
        'NOT_THE_WRITER',
      );
    }
    assert.equal(existsSync(b), false, 'a refused opening made a file');
    const taken = writer({ path: a, takeOver: true });
    assert.deepEqual([taken.isWriter, taken.term, taken.replica], [true, 1, `${all.shared}/replica-000001`]);
    assert.deepEqual(writer({ path: a, takeOver: true }), taken, 'the writer takes over from itself');
    deny(a, '/2');
    assert.equal(
      codeOf(() => createDb(b)),
      'NOT_THE_WRITER',
    );
    assert.deepEqual(denials(a), ['/1', '/2']);
    assert.equal(statSync(`${a}.writer`).mode & 0o777, 0o600);
    assert.equal(statSync(`${all.shared}/writer-000001.json`).mode & 0o777, 0o666 & ~process.umask());
  });

  it('keeps the old writer from writing until a person decides, whichever way it opens the file', async () => {
    using all = machines();
    const [a, b] = [all.machine('a'), all.machine('b')];
    for (const path of [a, b]) writer({ path, join: all.shared });
    writer({ path: a, takeOver: true });
    deny(a, '/1');
    cpSync(a, b);
    deny(a, '/only-on-a');
    writer({ path: b, takeOver: true });
    deny(b, '/only-on-b');
    const before = readFileSync(a);
    const link = all.folder.file('a/link.db');
    symlinkSync(a, link);
    for (const path of [a, link, `${all.folder.file('a')}/./dork.db`]) {
      for (const migrations of ['apply', 'require', 'skip'] as const)
        assert.equal(
          codeOf(() => createDb(path, { migrations })),
          'NOT_THE_WRITER',
          path,
        );
    }
    for (const command of [['migrate'], ['prune', '--runs-per-schedule', '1'], ['optimize'], ['checkpoint']]) {
      const { code, err } = dorkDb(...command, '--db', a);
      assert.equal(code, 1, command[0]);
      assert.match(err, /may not write/, command[0]);
    }
    assert.deepEqual(readFileSync(a), before);
    assert.deepEqual(denials(a), ['/1', '/only-on-a'], 'what only it has can be read');
    const aside = all.folder.file('a/aside.db');
    assert.equal(dorkDb('backup', '--to', aside, '--db', a).code, 0);
    assert.equal(dorkDb('export', '--to', all.folder.file('a/export'), '--db', a).code, 0);
    // The person decides that it follows: its own state is set aside, and it still may not write.
    const { replaced } = await restore({ from: b, to: a });
    assert.deepEqual(denials(a), ['/1', '/only-on-b']);
    assert.deepEqual(denials(`${replaced}/dork.db`), ['/1', '/only-on-a']);
    assert.equal(
      codeOf(() => createDb(a)),
      'NOT_THE_WRITER',
    );
    // Or that it writes again; then the other one may not.
    writer({ path: a, takeOver: true });
    deny(a, '/again');
    assert.equal(
      codeOf(() => createDb(b)),
      'NOT_THE_WRITER',
    );
    assert.equal(writer({ path: b }).term, 3);
  });

  it('reports in health() that another machine took over from a process that still has the file open', () => {
    using all = machines();
    const [a, b] = [all.machine('a'), all.machine('b')];
    for (const path of [a, b]) writer({ path, join: all.shared });
    writer({ path: a, takeOver: true });
    using db = createDb(a);
    const found = () => health(db).findings.filter(({ check }) => check === 'writer');
    assert.equal(found()[0]?.severity, 'ok');
    writer({ path: b, takeOver: true });
    assert.equal(found()[0]?.severity, 'error');
    using reader = createDb(a, { readonly: true });
    assert.equal(health(reader).findings.find(({ check }) => check === 'writer')?.severity, 'info');
    renameSync(all.shared, `${all.shared}-unmounted`);
    assert.equal(found()[0]?.severity, 'warning');
  });

  it('refuses on a machine that cannot read the shared folder, or reads another one', () => {
    using all = machines();
    const a = all.machine('a');
    writer({ path: a, join: all.shared });
    writer({ path: a, takeOver: true });
    deny(a, '/1');
    const away = `${all.shared}-away`;
    renameSync(all.shared, away);
    assert.equal(
      codeOf(() => createDb(a)),
      'WRITER_UNKNOWN',
    );
    mkdirSync(all.shared);
    for (const run of [() => createDb(a), () => writer({ path: a }), () => writer({ path: a, takeOver: true })])
      assert.equal(codeOf(run), 'WRITER_UNKNOWN', 'the mount point without its mount');
    assert.deepEqual(readdirSync(all.shared), []);
    assert.deepEqual(denials(a), ['/1']);
    renameSync(all.shared, `${all.shared}-empty`);
    renameSync(away, all.shared);
    deny(a, '/2');
    writeFileSync(`${a}.writer`, '{"id":');
    assert.equal(
      codeOf(() => createDb(a)),
      'WRITER_UNKNOWN',
    );
    assert.equal(writer({ path: a, join: all.shared }).isWriter, false, 'a new mark is another machine');
    writer({ path: a, takeOver: true });
    deny(a, '/3');
  });

  it('has no writer after a take-over that died before it wrote its record', () => {
    using all = machines();
    const [a, b] = [all.machine('a'), all.machine('b')];
    for (const path of [a, b]) writer({ path, join: all.shared });
    writer({ path: a, takeOver: true });
    deny(a, '/1');
    for (const text of ['', '{"id":"', '{}', '[]']) {
      writeFileSync(`${all.shared}/writer-000002.json`, text);
      for (const path of [a, b])
        assert.equal(
          codeOf(() => createDb(path)),
          'NOT_THE_WRITER',
          text,
        );
    }
    assert.equal(writer({ path: a, takeOver: true }).term, 3);
    deny(a, '/2');
  });

  it('makes no empty database where a machine took over and restored nothing yet', () => {
    using all = machines();
    const [a, b] = [all.machine('a'), all.machine('b')];
    for (const path of [a, b]) writer({ path, join: all.shared });
    writer({ path: a, takeOver: true });
    deny(a, '/1');
    assert.equal(writer({ path: b, takeOver: true }).restoreFrom, undefined);
    assert.equal(
      codeOf(() => createDb(b)),
      'FILE_MISSING',
    );
    assert.equal(
      codeOf(() => runMigrations(b)),
      'FILE_MISSING',
    );
    assert.equal(existsSync(b), false);
    mkdirSync(`${all.shared}/replica-000001`);
    assert.equal(writer({ path: b }).restoreFrom, undefined, 'an empty folder is not a replica');
    writeFileSync(`${all.shared}/replica-000001/x`, '');
    assert.equal(writer({ path: b }).restoreFrom, `${all.shared}/replica-000001`);
    cpSync(a, b);
    deny(b, '/2');
  });

  it('lets one of two that take over at the same moment', async () => {
    using all = machines();
    const [before, ...paths] = ['before', 'a', 'b'].map((name) => all.machine(name)) as [string, string, string];
    for (const path of [before, ...paths]) writer({ path, join: all.shared });
    const [command, script] = runtimeCommand('test/engine/writer/fixtures/take-over.ts', RUNTIME);
    for (let round = 1; round <= 3; round++) {
      const { term } = writer({ path: before, takeOver: true });
      const at = String(Date.now() + 700);
      const printed = await Promise.all(paths.map((path) => outputOf(command, [script, path, at])));
      const refused = printed.filter((text) => JSON.parse(text).code === 'TERM_TAKEN').length;
      // The slower of two that is not refused came later, and took over from the other.
      assert.ok(refused < 2, String(printed));
      assert.equal(writer({ path: before }).term, term + 2 - refused, String(printed));
      assert.equal([before, ...paths].filter((path) => writer({ path }).isWriter).length, 1);
      assert.equal(paths.filter((path) => codeOf(() => createDb(path)) === 'NOT_THE_WRITER').length, 1);
    }
  });

  it('writes again after it left', () => {
    using all = machines();
    const a = all.machine('a');
    writer({ path: a, join: all.shared });
    assert.equal(
      codeOf(() => writer({ path: a, join: all.folder.path })),
      'INVALID_INPUT',
      'joined to another folder',
    );
    assert.equal(
      codeOf(() => writer({ path: a, leave: true, takeOver: true })),
      'INVALID_INPUT',
    );
    assert.equal(
      codeOf(() => createDb(a)),
      'NOT_THE_WRITER',
    );
    assert.deepEqual(writer({ path: a, leave: true }), { path: a, isWriter: true, term: 0 });
    deny(a, '/1');
    assert.deepEqual(readdirSync(all.folder.file('a')), ['dork.db']);
  });

  it('is a command that ends with 3 where this machine may not write', () => {
    using all = machines();
    const a = all.machine('a');
    const run = (...args: string[]) => dorkDb('writer', ...args, '--db', a);
    assert.deepEqual([run().code, run('--join', all.shared).code, run().code], [0, 3, 3]);
    const taken = run('--take-over');
    assert.equal(taken.code, 0, taken.err);
    assert.match(taken.out, /This machine is the writer since .*\nReplicate to: .*replica-000001\n/);
    assert.equal(JSON.parse(run('--json').out).term, 1);
    assert.equal(run('--leave', '--take-over').code, 2);
    assert.equal(run('--leave').code, 0);
  });
});
