/** dork-db import, and what dork-db migrate says of the older files. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { createDb } from '#entry';
import { type Result, run } from '../../support/processes.ts';
import { ROOT, RUNTIME, runtimeCommand } from '../../support/runtime.ts';
import {
  insert,
  MESSAGES,
  message,
  type OlderHome,
  olderHome,
  REAL_HOME,
  rowsOf,
  stateOf,
} from './fixtures/older-home.ts';

function dorkDb(home: string, ...args: string[]): Result {
  return run('src/cli/main.ts', args, { cwd: ROOT, env: { DORK_HOME: home, NO_COLOR: '1', FORCE_COLOR: undefined } });
}

/** The receipt's counts. */
function counts(result: Result): unknown {
  const { imported, setAside, failed, dryRun } = JSON.parse(result.out);
  return { imported, setAside, failed, dryRun };
}

describe(`dork-db import on ${RUNTIME}`, () => {
  it('takes an upgrading user from the older home to dork.db in two commands, and again without harm', () => {
    using older = olderHome(REAL_HOME);
    const first = dorkDb(older.home, 'migrate');
    assert.equal(first.code, 0);
    for (const name of ['schedules.json', 'pulse.db', 'relay/index.db', 'mesh/mesh.db']) {
      assert.ok(first.out.includes(join(older.home, name)), name);
    }
    assert.match(first.out, /dork-db import/);
    {
      using db = createDb(join(older.home, 'dork.db'));
      assert.deepEqual(rowsOf(db, 'pulse_runs'), [], 'migrate does not import');
    }
    const second = dorkDb(older.home, 'import');
    // Its errors are empty, or on a slow machine of progress alone.
    assert.equal(second.code, 0);
    assert.doesNotMatch(second.err, /^(?!\S+ \w+: [\d,]+ of [\d,]+ rows)./m);
    assert.match(second.out, /imported 218 rows/);
    assert.match(second.out, /runs: its schedule is missing, 1 row/);
    assert.match(second.out, /runs: started_at_from_created_at, 1 row/);
    assert.doesNotMatch(dorkDb(older.home, 'migrate').out, /wait to be imported/);
    const third = dorkDb(older.home, 'import', '--json');
    assert.deepEqual(counts(third), { imported: 0, setAside: 1, failed: 0, dryRun: false });
    assert.deepEqual(counts(dorkDb(older.home, 'import', '--json', '--keep-orphans')), {
      imported: 1,
      setAside: 0,
      failed: 0,
      dryRun: false,
    });
  });

  it('lets migrate name a file again that the older server has written since', () => {
    using older = olderHome(REAL_HOME);
    dorkDb(older.home, 'import');
    {
      using file = older.open('relay/index.db');
      insert(file, 'messages', [message('new')]);
    }
    assert.deepEqual(JSON.parse(dorkDb(older.home, 'migrate', '--json').out).legacyFiles, [
      join(older.home, 'relay', 'index.db'),
    ]);
  });

  it('--dry-run writes nothing, not even dork.db, and says what an import then does', () => {
    using older = olderHome(REAL_HOME);
    const before = stateOf(older.home);
    const dry = dorkDb(older.home, 'import', '--dry-run', '--json');
    assert.equal(dry.code, 0);
    assert.deepEqual(stateOf(older.home), before);
    assert.equal(JSON.parse(dry.out).filename, join(older.home, 'dork.db'));
    assert.match(
      dorkDb(older.home, 'import', '--dry-run').out,
      /218 rows of .* would be imported; nothing was written/,
    );
    assert.equal(existsSync(join(older.home, 'dork.db')), false);
    const wet = dorkDb(older.home, 'import', '--json');
    const tables = ({ out }: Result) => JSON.parse(out).sources.map((source: { tables: unknown }) => source.tables);
    assert.deepEqual(tables(dry), tables(wet));
    const after = stateOf(older.home);
    assert.equal(dorkDb(older.home, 'import', '--dry-run').code, 0);
    assert.equal(stateOf(older.home)['dork.db'], after['dork.db']);
    assert.deepEqual(readdirSync(older.home).sort(), readdirSync(REAL_HOME).concat('dork.db').sort());
  });

  it('imports what it can, says of each file that it cannot why and what to do, and exits with 1', () => {
    using older = olderHome(REAL_HOME);
    writeFileSync(join(older.home, 'pulse.db'), 'x');
    writeFileSync(join(older.home, 'schedules.json'), '[');
    const result = dorkDb(older.home, 'import');
    assert.equal(result.code, 1);
    assert.equal(result.err.match(/^Error: /gm)?.length, 2);
    assert.equal(result.err.match(/^Try: /gm)?.length, 2);
    assert.match(result.out, /imported 155 rows/);
    const json = dorkDb(older.home, 'import', '--json');
    assert.equal(json.code, 1);
    const sources = JSON.parse(json.out).sources as { source: string; error?: { name: string; code: string } }[];
    assert.deepEqual(
      sources.map(({ source, error }) => [source, error?.name, error?.code]),
      [
        ['schedules.json', 'ImportError', 'NOT_JSON'],
        ['pulse.db', 'ImportError', 'DAMAGED'],
        ['relay/index.db', undefined, undefined],
        ['mesh/mesh.db', undefined, undefined],
      ],
    );
  });

  it('says once what is wrong with the database, and of each file what is wrong with it', () => {
    using older = olderHome(REAL_HOME);
    const file = join(older.home, 'dork.db');
    {
      using db = createDb(file);
      db.$client.exec("CREATE TRIGGER full BEFORE INSERT ON legacy_imports BEGIN SELECT raise(ABORT, 'no more'); END");
    }
    const result = dorkDb(older.home, 'import');
    assert.equal(result.code, 1);
    assert.deepEqual(result.err.match(/^Error: /gm)?.length, 1, result.err);
    for (const name of ['pulse.db', 'mesh/mesh.db']) writeFileSync(join(older.home, name), 'x');
    assert.equal(dorkDb(older.home, 'import').err.match(/^Error: /gm)?.length, 3);
  });

  it('takes another home and another database, and refuses a home that is none', () => {
    using older = olderHome(REAL_HOME);
    using empty = olderHome();
    const file = join(dirname(empty.home), 'other.db');
    assert.equal(dorkDb(empty.home, 'import', '--from', older.home, '--db', file).code, 0);
    assert.deepEqual(readdirSync(empty.home), []);
    {
      using db = createDb(file);
      assert.equal(rowsOf(db, 'pulse_runs').length, 61);
    }
    const hint = dorkDb(older.home, 'migrate', '--db', join(older.home, 'new.db'));
    assert.ok(hint.out.includes(`dork-db import --db '${join(older.home, 'new.db')}' --from '${older.home}'`));
    const none = dorkDb(empty.home, 'import');
    assert.deepEqual([none.code, none.out.includes('nothing to import')], [0, true]);
    const missing = dorkDb(empty.home, 'import', '--from', join(empty.home, 'nowhere'));
    assert.equal(missing.code, 1);
    assert.match(missing.err, /^Error: .*nowhere is neither a folder nor a file\. Nothing was imported\.\nTry: /);
    assert.equal(dorkDb(empty.home, 'import', '--form', 'x').code, 2);
  });

  it('shows a bar on a terminal for what takes long, and nothing of it on stdout', { timeout: 120_000 }, () => {
    using older = olderHome();
    writeMany(older, 200_000);
    const [command, script] = runtimeCommand('src/cli/main.ts');
    const file = join(dirname(older.home), 'terminal.db');
    const out = join(dirname(older.home), 'stdout');
    const line = `${command} ${script} import --from ${older.home} --db ${file} > ${out}`;
    const typescript = spawnSync('script', ['-qec', line, '/dev/null'], { cwd: ROOT, encoding: 'utf8' });
    assert.equal(typescript.status, 0);
    assert.match(typescript.stdout, /relay\/index\.db messages \[[^\]]+\] [\d,]+ of 200,000 rows/);
    assert.match(readFileSync(out, 'utf8'), /^\S+terminal\.db: imported 200,000 rows/);
  });
});

function writeMany(older: OlderHome, rows: number): void {
  older.write(
    'relay/index.db',
    `${MESSAGES} INSERT INTO messages WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ${rows})
      SELECT 'm' || n, 's' || n % 100, 's', 'h', 'new', '2026-02-02T02:40:00.000Z', 0 FROM i;`,
  );
}
