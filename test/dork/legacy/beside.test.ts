/** An import next to a server that writes into the same dork.db, on the other runtime. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { createDb, importLegacy } from '#entry';
import { ROOT, RUNTIME, type Runtime, runtimeCommand } from '../../support/runtime.ts';
import { MESSAGES, olderHome, rowsOf } from './fixtures/older-home.ts';

const OTHER: Runtime = RUNTIME === 'bun' ? 'node' : 'bun';

const ROWS = process.env.DORK_SOAK ? 800_000 : 60_000;

describe(`an import on ${RUNTIME} next to a writer on ${OTHER}`, () => {
  it('lets it write between its batches, and loses no row of either', { timeout: 600_000 }, async () => {
    using older = olderHome();
    older.write(
      'relay/index.db',
      `${MESSAGES} INSERT INTO messages WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ${ROWS})
        SELECT 'm' || n, 'subject ' || (n % 50), 'sender', 'h' || (n % 20), 'new', '2026-02-02T02:40:00.000Z', 0 FROM i`,
    );
    const file = older.db.$client.filename;
    const [command, script] = runtimeCommand('test/dork/legacy/fixtures/write.ts', OTHER);
    const writer = spawn(command, [script, file], { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] });
    const said: string[] = [];
    writer.stdout.setEncoding('utf8').on('data', (text: string) => said.push(text));
    try {
      await once(writer.stdout, 'data');
      using reader = createDb(file, { readonly: true });
      const count = reader.$client.prepare<{ n: number }>('SELECT count(*) AS n FROM rate_limit_buckets');
      const seen = new Set<number>();
      const receipt = importLegacy(older.db, {
        home: older.home,
        onProgress: ({ rows }) => {
          if (rows > 0 && rows < ROWS) seen.add(Number(count.get()?.n));
        },
      });
      assert.deepEqual([receipt.failed, receipt.imported], [0, ROWS]);
      // Each different count is a commit of the writer between two batches.
      assert.ok(seen.size >= 3, `the writer committed at ${seen.size} moments`);
    } finally {
      writer.stdin.end();
      const [code] = await once(writer, 'close');
      assert.equal(code, 0);
    }
    const { rows, longestMs } = JSON.parse(said.join('').split('\n').at(-2) ?? '');
    console.log(`${rows} rows written on ${OTHER} meanwhile, the longest wait ${longestMs} ms`);
    assert.equal(rowsOf(older.db, 'rate_limit_buckets').length, rows);
    assert.equal(rowsOf(older.db, 'relay_index').length, ROWS);
  });
});
