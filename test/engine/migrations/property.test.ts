import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Connection } from '../../../src/engine/connection/connection.ts';
import { MigrationError } from '../../../src/engine/errors.ts';
import { danglingReferences } from '../../../src/engine/migrations/foreign-keys.ts';
import { countRows, dataTables } from '../../../src/engine/migrations/rows.ts';
import { migrate } from '../../../src/engine/migrations/runner.ts';
import { populate } from '../../kit/populate.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { HistoryWriter, type RandomMigration, randomChanges } from './random-history.ts';
import { adapter, historyOf, migration } from './support.ts';

const SOAK = process.env.DORK_SOAK === '1';
const RUNS = SOAK ? 1500 : 400;

/** Schema and rows, without what only the runner writes. */
function dump(connection: Connection): unknown {
  const schema = connection
    .prepare<{ sql: string; name: string }>('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name')
    .all()
    .filter(({ name }) => !/__drizzle|_migrations_log/.test(name));
  return [
    schema,
    ...dataTables(connection).map((name) => connection.prepare(`SELECT * FROM "${name}" ORDER BY id`).all()),
  ];
}

type Verdict = 'applied' | 'failed' | 'data_loss' | 'foreign_keys';

/** Runs the same SQL by hand in a transaction, with foreign keys off, and judges it by what is there then. */
function runByHand(connection: Connection, migrations: readonly RandomMigration[]): Verdict {
  connection.exec('BEGIN');
  const verdict = judge(connection, migrations);
  connection.exec(verdict === 'applied' ? 'COMMIT' : 'ROLLBACK');
  return verdict;
}

function judge(connection: Connection, migrations: readonly RandomMigration[]): Verdict {
  let dangling = danglingReferences(connection);
  for (const { statements, nameAfter, declared, losesObject } of migrations) {
    const before = countRows(connection);
    try {
      for (const sql of statements) connection.exec(sql);
    } catch {
      return 'failed';
    }
    const after = countRows(connection);
    for (const [name, rows] of Object.entries(before)) {
      const now = nameAfter.get(name);
      const left = now === undefined ? 0 : (after[now] ?? 0);
      if (left < rows && !declared.has(name) && !(now !== undefined && declared.has(now))) return 'data_loss';
    }
    if (losesObject) return 'data_loss';
    const follow = (name: string) => nameAfter.get(name) ?? name;
    dangling = dangling.map((found) => ({ ...found, table: follow(found.table), parent: follow(found.parent) }));
  }
  const isOld = (found: (typeof dangling)[number]) =>
    dangling.some(
      ({ table, parent, count }) => table === found.table && parent === found.parent && count >= found.count,
    );
  return danglingReferences(connection).every(isOld) && lackingParents(connection) === 0 ? 'applied' : 'foreign_keys';
}

/** Foreign keys to tables that are not there; a history that was applied left none. */
function lackingParents(connection: Connection): number {
  const tables = connection
    .prepare<{ name: string; sql: string }>("SELECT * FROM sqlite_schema WHERE type = 'table'")
    .all();
  const names = new Set(tables.map(({ name }) => name));
  const parents = tables.flatMap(({ sql }) =>
    [...sql.matchAll(/REFERENCES ["`]?(\w+)/g)].map(([, parent]) => parent ?? ''),
  );
  return parents.filter((parent) => !names.has(parent)).length;
}

function runByRunner(connection: Connection, history: ReturnType<typeof historyOf>): Verdict {
  try {
    const { drift } = migrate(connection, history);
    assert.deepEqual(drift, []);
    return 'applied';
  } catch (error) {
    if (!(error instanceof MigrationError)) throw error;
    assert.ok(error.kind === 'failed' || error.kind === 'data_loss' || error.kind === 'foreign_keys', error.message);
    return error.kind;
  }
}

describe(`random histories on random data, on ${RUNTIME}`, () => {
  it('come out as the same SQL run by hand with keys off, or are refused and leave everything as it was', {
    timeout: 900_000,
  }, () => {
    const seen = new Map<Verdict, number>();
    const property = fc.property(randomChanges, fc.nat(), fc.nat(), (changes, split, seed) => {
      const writer = new HistoryWriter();
      const written = changes.map((list) => writer.write(list));
      const all = written.map(({ statements }, i) => migration(`${String(i).padStart(4, '0')}_random`, ...statements));
      const first = split % (written.length + 1);
      using ours = new Connection(adapter, ':memory:', { host: { name: 'dork' } });
      using byHand = new Connection(adapter, ':memory:', { host: { name: 'dork' } });
      ours.exec('PRAGMA foreign_keys = ON');
      byHand.exec('PRAGMA foreign_keys = OFF');

      const parts: [from: number, to: number][] = [
        [0, first],
        [first, written.length],
      ];
      for (const [from, to] of parts) {
        const before = dump(ours);
        const expected = runByHand(byHand, written.slice(from, to));
        const verdict = runByRunner(ours, historyOf(...all.slice(0, to)));
        assert.equal(verdict, expected);
        seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
        if (verdict !== 'applied') {
          assert.deepEqual(dump(ours), before);
          return;
        }
        assert.deepEqual(dump(ours), dump(byHand));
        assert.equal(ours.pragma('foreign_keys', { simple: true }), 1);
        ours.exec('PRAGMA foreign_keys = OFF');
        for (const connection of [ours, byHand]) populate(connection, { rows: 8, seed });
        ours.exec('PRAGMA foreign_keys = ON');
        assert.deepEqual(dump(ours), dump(byHand));
      }
    });
    // The usual run is the same every time; the long one draws anew.
    fc.assert(property, { numRuns: RUNS, ...(!SOAK && { seed: 3 }) });
    for (const verdict of ['applied', 'failed', 'data_loss', 'foreign_keys'] as const) {
      assert.ok(seen.get(verdict), `no random history came out as ${verdict}`);
    }
  });
});
