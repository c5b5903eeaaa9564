import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { history } from '../../../drizzle/history.ts';
import { migrate } from '../../../src/engine/migrations/runner.ts';
import { databaseAt, historyUpTo } from '../../kit/database-at.ts';
import { assertPreserved, contentOf } from '../../kit/preservation.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { open } from './support.ts';

/** Each migration of drizzle/, this one and every one to come, on data of each point before it. */
describe(`every migration of drizzle/ on populated data, on ${RUNTIME}`, () => {
  const total = history.migrations.length;
  for (let from = 1; from <= total; from++) {
    it(`brings a database that stands after ${history.migrations[from - 1]?.tag} to the end, and keeps every value`, () => {
      using folder = temporaryFolder();
      using connection = open(folder.file('dork.db'));
      databaseAt(connection, history, from, { rows: 30, seed: from });
      for (let to = from + 1; to <= total; to++) {
        const before = contentOf(connection);
        const { applied, drift, dangling } = migrate(connection, historyUpTo(history, to));
        const migration = history.migrations[to - 1];
        assert.deepEqual(
          applied.map(({ tag }) => tag),
          [migration?.tag],
        );
        assert.deepEqual(drift, []);
        assert.deepEqual(dangling, []);
        if (migration) assertPreserved(before, contentOf(connection), migration);
      }
      assert.equal(connection.pragma('integrity_check', { simple: true }), 'ok');
      assert.deepEqual(migrate(connection, history).applied, []);
    });
  }
});
