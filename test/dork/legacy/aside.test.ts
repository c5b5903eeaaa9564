/** A release's dork.db at the path of ours is moved aside as a whole set, whatever happens meanwhile. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { createDb, DatabaseOpenError, health, ImportError, importLegacy, moveReleaseAside } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { startCommand } from '../../support/processes.ts';
import { ROOT, RUNTIME, runtimeCommand } from '../../support/runtime.ts';
import { wrappedCommand } from '../../support/wrapped-fs.ts';
import { REAL_HOME, rowsOf } from './fixtures/older-home.ts';
import { copySet, IN_THE_WAL, writeKilledRelease, writeRelease } from './fixtures/release.ts';

const FILES = ['v0.4.0', 'migration-5', 'august-2026'] as const;

/** How many denials a set holds, read from a copy of it; undefined if it is no database. */
function denialsIn(path: string): number | undefined {
  using folder = temporaryFolder();
  const copy = folder.file('copy.db');
  copySet(path, copy);
  using memory = createDb(':memory:');
  try {
    using connection = memory.$client.sibling(copy);
    return connection.prepare<{ n: number }>('SELECT count(*) AS n FROM agent_denials').get()?.n;
  } catch {
    return undefined;
  }
}

/** The bytes of a set without its -shm, by suffix. */
function bytesOf(path: string): Record<string, Buffer> {
  const there = ['', '-wal', '-journal'].filter((suffix) => existsSync(path + suffix));
  return Object.fromEntries(there.map((suffix) => [suffix, readFileSync(path + suffix)]));
}

describe(`moveReleaseAside() on ${RUNTIME}`, () => {
  for (const release of FILES) {
    it(`moves ${release} with its -wal, byte for byte, and importLegacy() finds it there`, () => {
      using folder = temporaryFolder();
      const file = writeKilledRelease(folder.file('home/dork.db'), release);
      const before = bytesOf(file);
      const denials = denialsIn(file);
      const to = moveReleaseAside(file);
      assert.ok(to);
      assert.match(basename(to), /^dork-moved-\d{8}T\d{9}Z\.db$/);
      assert.deepEqual(bytesOf(to), before);
      assert.ok(before['-wal']?.length, 'it has a -wal');
      assert.equal(existsSync(file), false);
      using db = createDb(file);
      assert.match(JSON.stringify(health(db).findings), /Older DorkOS files are not imported: [^"]*dork-moved-/);
      importLegacy(db, { home: folder.file('home') });
      assert.equal(rowsOf(db, 'agent_denials').length, denials);
      assert.equal(
        rowsOf(db, 'agent_denials').filter(({ path }) => String(path).startsWith('/wal/')).length,
        IN_THE_WAL,
      );
      assert.doesNotMatch(JSON.stringify(health(db).findings), /not imported/);
      assert.deepEqual(bytesOf(to), before);
      assert.equal(moveReleaseAside(file), undefined, 'it is ours now');
      assert.equal(importLegacy(db, { home: folder.file('home') }).imported, 0);
    });
  }

  it('leaves alone what is not a release: nothing, ours, other programs, no database', () => {
    using folder = temporaryFolder();
    createDb(folder.file('ours.db')).$client.close();
    writeFileSync(folder.file('text.db'), 'This is a text.');
    writeFileSync(folder.file('empty.db'), '');
    using memory = createDb(':memory:');
    writeFileSync(folder.file('other.db'), '');
    {
      using other = memory.$client.sibling(folder.file('other.db'));
      other.exec('CREATE TABLE notes (x)');
    }
    const names = readdirSync(folder.path);
    for (const name of [...names, 'missing.db', 'no/folder.db']) {
      assert.equal(moveReleaseAside(folder.file(name)), undefined, name);
    }
    assert.equal(moveReleaseAside(':memory:'), undefined);
    using open = createDb(folder.file('ours.db'));
    assert.equal(moveReleaseAside(open.$client.filename), undefined);
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => !/-(wal|shm)$/.test(name)),
      names,
    );
  });

  it('is refused while anybody has it open, this process too, and for a link', async () => {
    using folder = temporaryFolder();
    const file = writeRelease(folder.file('dork.db'), 'v0.4.0');
    const refused = (named: RegExp, code = 'IN_USE') =>
      assert.throws(
        () => moveReleaseAside(file),
        (error) => {
          assert.ok(error instanceof ImportError, String(error));
          assert.equal(error.code, code);
          assert.match(error.message, named);
          return true;
        },
      );
    {
      using memory = createDb(':memory:');
      using connection = memory.$client.sibling(file);
      connection.pragma('journal_mode = WAL');
      connection.prepare('SELECT count(*) FROM agents').get();
      refused(/is open by this process\. Nothing was changed\. Nothing was imported\./);
    }
    const [command, script] = runtimeCommand('test/dork/legacy/fixtures/hold.ts');
    for (const [mode, code] of [
      ['open', 'IN_USE'],
      ['exclusive-wal', 'SQLITE_BUSY'],
    ] as const) {
      const child = spawn(command, [script, file, mode], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
      const ended = once(child, 'exit');
      try {
        await once(child.stdout, 'data');
        const bytes = bytesOf(file);
        refused(mode === 'open' ? new RegExp(`is open by ${child.pid} \\(`) : /Nothing was imported/, code);
        assert.deepEqual(bytesOf(file), bytes);
      } finally {
        child.kill('SIGKILL');
        await ended;
      }
    }
    mkdirSync(folder.file('linked'));
    symlinkSync(file, folder.file('linked/dork.db'));
    assert.throws(() => moveReleaseAside(folder.file('linked/dork.db')), { code: 'SYMBOLIC_LINK' });
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => /moving|moved/.test(name)),
      [],
    );
    assert.ok(moveReleaseAside(file));
  });

  it('killed before each of its steps leaves the whole set at one of two names, and the next one ends it', {
    timeout: 240_000,
  }, async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.file('model'));
    const model = writeKilledRelease(folder.file('model/dork.db'), 'v0.4.0');
    const bytes = bytesOf(model);
    const denials = denialsIn(model);
    const line = wrappedCommand('test/dork/legacy/fixtures/move.ts', RUNTIME);
    const states: string[] = [];
    for (let kill = 1; ; kill++) {
      const home = folder.file(`home-${kill}`);
      mkdirSync(home);
      const file = join(home, 'dork.db');
      copySet(model, file);
      const said = await startCommand([...line, file], { env: { FS_WRAP: JSON.stringify({ kill }) } }).all<{
        to?: string;
      }>();
      if (said.length > 0) {
        assert.ok(said[0]?.to, JSON.stringify(said));
        break;
      }
      const aside = readdirSync(home).find((name) => /^dork-moved-\d{8}T\d{9}Z\.db$/.test(name));
      const state = stateAt(file);
      states.push(state);
      if (state === 'unfinished') assert.equal(denialsIn(join(home, aside ?? '')), denials);
      // Every other one is ended by the import itself.
      const moved = kill % 2 === 0 ? moveReleaseAside(file) : importAt(file);
      const to = moved ?? (state === 'moved' && aside ? join(home, aside) : undefined);
      assert.ok(to, `${kill}: ${state}`);
      const { '': main, '-wal': wal } = bytesOf(to);
      assert.deepEqual({ '': main, '-wal': wal }, bytes);
      const left = readdirSync(home).filter(
        (name) => !name.startsWith(basename(to)) && !/^dork\.db(-wal|-shm)?$/.test(name),
      );
      assert.deepEqual(left, [], `${kill}`);
      rmSync(home, { recursive: true });
    }
    // As it was, then with its marker, then moved.
    assert.deepEqual([...new Set(states)], ['release', 'unfinished', 'moved']);
    assert.ok(states.length > 12, `${states.length} steps`);

    function stateAt(file: string): string {
      if (!existsSync(file)) return 'moved';
      try {
        createDb(file);
      } catch (error) {
        assert.ok(error instanceof DatabaseOpenError);
        if (error.code === 'MOVE_UNFINISHED') {
          assert.match(error.hint, /^Finish it with: dork-db import --db /);
          return 'unfinished';
        }
        assert.equal(error.code, 'OLDER_DORKOS');
        assert.equal(denialsIn(file), denials);
        return 'release';
      }
      return assert.fail('it is opened as ours');
    }

    function importAt(file: string): string {
      const [command, script] = runtimeCommand('src/cli/main.ts');
      const result = spawnSync(command, [script, 'import', '--db', file, '--json'], { encoding: 'utf8' });
      assert.equal(result.status, 0, result.stdout + result.stderr);
      const { sources } = JSON.parse(result.stdout) as { sources: { source: string; path: string }[] };
      using db = createDb(file);
      assert.equal(rowsOf(db, 'agent_denials').length, denials);
      return sources.find(({ source }) => source === 'dork.db')?.path ?? '';
    }
  });

  it('of several processes at once moves it once', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    const file = writeKilledRelease(folder.file('dork.db'), 'v0.4.0');
    const bytes = bytesOf(file);
    const [command, script] = runtimeCommand('test/dork/legacy/fixtures/move.ts');
    const said = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const [one] = await startCommand([command, script, file]).all<{ to?: string; code?: string }>();
        return one;
      }),
    );
    const codes = said.flatMap((one) => one?.code ?? []);
    assert.ok(
      codes.every((code) => /^(IN_USE|RUNNING)$/.test(code)),
      JSON.stringify(said),
    );
    const to = moveReleaseAside(file) ?? said.find((one) => one?.to)?.to;
    assert.ok(to);
    const { '': main, '-wal': wal } = bytesOf(to);
    assert.deepEqual({ '': main, '-wal': wal }, bytes);
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => !name.startsWith(basename(to))),
      [],
    );
  });
});

describe(`dork-db import on ${RUNTIME} where a release's dork.db is`, () => {
  const dorkDb = (home: string, ...args: string[]) => {
    const [command, script] = runtimeCommand('src/cli/main.ts');
    const env = { ...process.env, DORK_HOME: home, NO_COLOR: '1', FORCE_COLOR: undefined };
    return spawnSync(command, [script, ...args], { env, encoding: 'utf8' });
  };

  it('says with --dry-run what it then does, moves it aside and imports all of the home', () => {
    using folder = temporaryFolder();
    cpSync(REAL_HOME, folder.path, { recursive: true });
    const file = writeRelease(folder.file('dork.db'), 'august-2026');
    const before = readFileSync(file);
    const dry = JSON.parse(dorkDb(folder.path, 'import', '--dry-run', '--json').stdout);
    assert.deepEqual(readFileSync(file), before);
    const { status, stdout, stderr } = dorkDb(folder.path, 'import', '--json');
    assert.equal(status, 0, stderr);
    const receipt = JSON.parse(stdout);
    assert.deepEqual([receipt.imported, receipt.setAside], [dry.imported, dry.setAside]);
    assert.ok(receipt.imported > 218, 'more than the older three have');
    assert.deepEqual(readFileSync(receipt.moved), before);
    const again = dorkDb(folder.path, 'import');
    assert.equal(again.status, 0, again.stderr);
    assert.match(again.stdout, /imported 0 rows/);
    assert.doesNotMatch(again.stdout, /was moved/);
  });

  it('is refused with --from, since two would be meant, and says how to go on', () => {
    using folder = temporaryFolder();
    const file = writeRelease(folder.file('dork.db'), 'v0.4.0');
    const { status, stderr } = dorkDb(folder.path, 'import', '--from', REAL_HOME);
    assert.equal(status, 1);
    assert.match(stderr, /is the dork\.db of a DorkOS release[\s\S]*Stop DorkOS, then run dork-db import --db/);
    assert.ok(existsSync(file));
  });

  it('is said by every other command that meets such a file, with what to do', () => {
    using folder = temporaryFolder();
    const file = writeRelease(folder.file('dork.db'), 'v0.4.0');
    mkdirSync(folder.file('ours'));
    createDb(folder.file('ours/dork.db')).$client.close();
    assert.equal(
      dorkDb(folder.path, 'backup', '--db', folder.file('ours/dork.db'), '--to', folder.file('copy.db')).status,
      0,
    );
    const before = readFileSync(file);
    const here = /dork\.db is the dork\.db of a DorkOS release[\s\S]*Stop DorkOS, then run dork-db import --db '/;
    const there = /dork\.db is the dork\.db of a DorkOS release[\s\S]*dork-db import --from '/;
    for (const [args, said] of [
      [['prune', '--buckets'], here],
      [['backup'], here],
      [['export'], here],
      [['compact'], here],
      [['restore', folder.file('copy.db'), '--yes'], here],
      [['restore', file, '--db', folder.file('ours/dork.db'), '--yes'], there],
      [['verify', file], there],
    ] as const) {
      const { status, stderr } = dorkDb(folder.path, ...args);
      assert.notEqual(status, 0, args.join(' '));
      assert.match(stderr, said, args.join(' '));
    }
    const recovered = dorkDb(folder.path, 'recover', '--to', folder.file('saved.db'));
    assert.match(
      recovered.stdout,
      /saved\.db is the dork\.db of a DorkOS release[\s\S]*dork-db import --from '\S*saved\.db'/,
    );
    assert.deepEqual(readFileSync(file), before);
    const imported = dorkDb(
      folder.path,
      'import',
      '--db',
      folder.file('ours/dork.db'),
      '--from',
      folder.file('saved.db'),
    );
    assert.match(imported.stdout, /imported 104 rows/);
  });
});
