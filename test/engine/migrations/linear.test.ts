import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connection } from '../../../src/engine/connection/connection.ts';
import type { DriverStatement } from '../../../src/engine/driver/adapter.ts';
import { migrate } from '../../../src/engine/migrations/runner.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { migration, open } from './support.ts';

const table = (i: number) => `CREATE TABLE t${i} (id integer PRIMARY KEY, name text)`;

/** The statements of each pending migration, by its number. */
const PENDING: Record<string, (i: number) => string[]> = {
  'a table each': (i) => [table(i)],
  'a column each, of one table': (i) => [`ALTER TABLE t0 ADD COLUMN c${i} text`],
  'a table with an index each, and a column for the table before': (i) => [
    table(i),
    `CREATE INDEX t${i}_name ON t${i} (name)`,
    `ALTER TABLE t${i - 1} ADD COLUMN more text`,
  ],
};

/** The statements that ran and the rows that they gave. */
function counted(connection: Connection, act: () => void): number {
  let work = 0;
  const rows = <T extends unknown[]>(result: T): T => {
    work += 1 + result.length;
    return result;
  };
  connection.wrapper = (statement): DriverStatement => ({
    readonly: statement.readonly,
    isQuery: statement.isQuery,
    run(params) {
      work++;
      return statement.run(params);
    },
    get(params) {
      work++;
      return statement.get(params);
    },
    all: (params) => rows(statement.all(params)),
    values: (params) => rows(statement.values(params)),
    *iterate(params) {
      work++;
      for (const row of statement.iterate(params)) {
        work++;
        yield row;
      }
    },
  });
  act();
  connection.wrapper = undefined;
  return work;
}

const FIRST = migration('0000_first', table(0));

/** What so many pending migrations cost a file, which is filled if it is not new. */
function workOf(statements: (i: number) => string[], count: number, isNew: boolean): number {
  using folder = temporaryFolder();
  using connection = open(folder.file('a.db'));
  if (!isNew) {
    migrate(connection, { migrations: [FIRST] });
    connection.exec("INSERT INTO t0 (name) VALUES ('kept')");
  }
  const migrations = [FIRST];
  for (let i = 1; i <= count; i++) migrations.push(migration(`${String(i).padStart(4, '0')}_step`, ...statements(i)));
  return counted(connection, () => {
    const { applied } = migrate(connection, { migrations });
    assert.equal(applied.length, isNew ? count + 1 : count);
  });
}

describe(`what pending migrations cost, on ${RUNTIME}`, () => {
  for (const isNew of [true, false]) {
    for (const [name, statements] of Object.entries(PENDING)) {
      it(`doubles with their number: ${name}, ${isNew ? 'a new file' : 'a filled file'}`, { timeout: 120_000 }, () => {
        const [less, more] = [workOf(statements, 60, isNew), workOf(statements, 120, isNew)];
        assert.ok(less > 60, `it was counted: ${less}`);
        // Anything that looks at every table for every migration would make it four times as much.
        assert.ok(more < 2.2 * less, `${less} for 60, ${more} for 120`);
      });
    }
  }
});
