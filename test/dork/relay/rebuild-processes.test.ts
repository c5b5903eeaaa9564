/** A rebuild beside another process that writes, and one that is killed. */
import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { createDb, SqliteIndex } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME, type Runtime, runtimeCommand } from '../../support/runtime.ts';
import { recounted } from './fixtures/dump.ts';
import { envelope, MaildirFiles } from './fixtures/maildir.ts';

const OLD = 500;
const ENDPOINTS = new Map([['hash-1', envelope().subject]]);

type Child = ChildProcessByStdio<Writable, Readable, null>;

function start(runtime: Runtime, script: string, ...args: string[]): Child {
  const [command, path] = runtimeCommand(`test/dork/relay/fixtures/${script}`, runtime);
  return spawn(command, [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
}

for (const other of ['bun', 'node'] as const) {
  describe(`a rebuild on ${RUNTIME} beside a process on ${other}`, () => {
    it('loses nothing that the other delivers, moves on and deletes meanwhile', { timeout: 120_000 }, async () => {
      using folder = temporaryFolder();
      const path = folder.file('dork.db');
      const root = folder.file('maildir');
      const files = new MaildirFiles(root);
      for (let i = 0; i < OLD; i++) files.write('hash-1', 'cur', `old-${i}`, envelope());
      using db = createDb(path);
      const index = new SqliteIndex(db);
      await index.rebuild(files, ENDPOINTS);
      const child = start(other, 'write-meanwhile.ts', path, root);
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      assert.equal((await lines.next()).value, 'ready');
      for (let round = 0; round < 5; round++) await index.rebuild(files, ENDPOINTS);
      child.stdin.end();
      const final: Record<string, string | null> = JSON.parse(String((await lines.next()).value));
      if (child.exitCode === null) await once(child, 'exit');
      const statusOf = (id: string) => index.getMessage(id)?.status ?? null;
      const found = Object.fromEntries(Object.keys(final).map((id) => [id, statusOf(id)]));
      assert.ok(Object.keys(final).length > 20);
      assert.deepEqual(found, final);
      const removed = Object.keys(final).filter((id) => id.startsWith('old-') && Number(id.slice(4)) < OLD).length;
      const delivered = Object.values(final).filter((status) => status !== null).length;
      assert.equal(index.getMetrics().totalMessages, OLD - removed + delivered);
      const { counted, kept } = recounted(db);
      assert.deepEqual(kept, counted);
    });

    it('that is killed leaves the old index or the new one, and nothing else', { timeout: 120_000 }, async () => {
      using folder = temporaryFolder();
      const path = folder.file('dork.db');
      const root = folder.file('maildir');
      const files = new MaildirFiles(root);
      for (let i = 0; i < 400; i++) files.write('hash-1', i % 2 ? 'new' : 'cur', `m${i}`, envelope());
      const seen = new Set<number>();
      for (let round = 0; round < 6; round++) {
        const child = start(other, 'rebuild-again.ts', path, root);
        const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
        await lines.next();
        await new Promise((resolve) => setTimeout(resolve, round * 37));
        child.kill('SIGKILL');
        await once(child, 'exit');
        using db = createDb(path);
        const { totalMessages, byStatus } = new SqliteIndex(db).getMetrics();
        seen.add(totalMessages);
        // Between two rebuilds the child empties the index: then nothing, and then `old` alone, is in it.
        assert.ok([0, 1, 400].includes(totalMessages), `${totalMessages} messages`);
        if (totalMessages === 400) assert.deepEqual(byStatus, { pending: 200, delivered: 200 });
        const { counted, kept } = recounted(db);
        assert.deepEqual(kept, counted);
        assert.equal(db.$client.pragma('integrity_check', { simple: true }), 'ok');
        assert.deepEqual(db.$client.prepare("SELECT name FROM sqlite_schema WHERE name LIKE '%rebuild%'").all(), []);
      }
      assert.ok(seen.size > 0);
    });
  });
}
