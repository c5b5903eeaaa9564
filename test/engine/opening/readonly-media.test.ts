import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { createDb, type Db } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { ROOT, RUNTIME, runtimeCommand } from '../../support/runtime.ts';
import { deny } from '../backup/support.ts';

const SCRIPT = 'test/engine/opening/fixtures/read-closed.ts';
const IS_ROOT = process.getuid?.() === 0;

interface Read {
  readonly opened: {
    readonly rows?: unknown;
    readonly worst?: unknown;
    readonly copy?: unknown;
    readonly code?: string;
  };
  readonly status: unknown;
  readonly verified: { readonly code?: string; readonly hint?: string; readonly agent_denials?: number };
}

/** A folder that others may enter and not write, with a database, and one beside it that everyone may write. */
function media(fill: (db: Db) => void = (db) => deny(db, 'a')) {
  const folder = temporaryFolder();
  chmodSync(folder.path, 0o755);
  const inside = folder.file('media #1');
  const outside = folder.file('outside');
  mkdirSync(inside, { mode: 0o755 });
  mkdirSync(outside);
  chmodSync(outside, 0o777);
  const file = `${inside}/dork db?.db`;
  {
    using db = createDb(file);
    fill(db);
  }
  chmodSync(file, 0o644);
  return { file, inside, outside, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

/** What a user who owns nothing reads; undefined where only root may be another user. */
function asNobody(file: string, outside: string): Read | undefined {
  if (!IS_ROOT) return undefined;
  const [command = '', ...line] = runtimeCommand(SCRIPT, RUNTIME);
  return parsed(spawnSync(command, [...line, file, outside, 'nobody'], { cwd: ROOT, encoding: 'utf8' }));
}

/** What is read of a read-only mount; undefined where nothing may be mounted. */
function onMount(inside: string, file: string, outside: string): Read | undefined {
  const mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" || exit 9; exec "$@"';
  const line = [...runtimeCommand(SCRIPT, RUNTIME), file, outside, 'self'];
  const done = spawnSync('unshare', [IS_ROOT ? '-m' : '-rm', 'sh', '-c', mount, inside, ...line], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return done.error || done.status === 9 || done.stdout === '' ? undefined : parsed(done);
}

function parsed({ stdout, stderr }: { stdout: string; stderr: string }): Read {
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as Read;
}

const ways = [
  { name: 'another user’s folder', read: (at: ReturnType<typeof media>) => asNobody(at.file, at.outside) },
  { name: 'a read-only mount', read: (at: ReturnType<typeof media>) => onMount(at.inside, at.file, at.outside) },
];

describe(`a file beside which nothing can be created, on ${RUNTIME}`, { skip: process.platform !== 'linux' }, () => {
  for (const { name, read } of ways) {
    it(`is read and copied as it is: ${name}`, { timeout: 60_000 }, () => {
      using at = media();
      const before = readFileSync(at.file);
      const found = read(at);
      if (!found) return;
      assert.deepEqual(found.opened.rows, [{ path: '/a' }], JSON.stringify(found));
      assert.deepEqual(found.opened.worst, []);
      assert.equal((found.opened.copy as Record<string, number>).agent_denials, 1, JSON.stringify(found));
      assert.equal(found.status, 'current');
      assert.equal(found.verified.agent_denials, 1);
      assert.deepEqual(readFileSync(at.file), before);
      assert.deepEqual(readdirSync(at.inside), ['dork db?.db']);
    });

    it(`is refused with a -wal that nobody recovered: ${name}`, { timeout: 60_000 }, () => {
      using at = media();
      using other = temporaryFolder();
      const grown = other.file('grown.db');
      copyFileSync(at.file, grown);
      using db = createDb(grown);
      deny(db, 'b');
      for (const end of ['', '-wal']) writeFileSync(at.file + end, readFileSync(grown + end), { mode: 0o644 });
      const found = read(at);
      if (!found) return;
      assert.equal(found.opened.code, 'WAL_UNREAD', JSON.stringify(found));
      assert.equal((found.status as { code: string }).code, 'WAL_UNREAD');
      assert.equal(found.verified.code, 'WAL_UNREAD');
      assert.deepEqual(readdirSync(at.inside).sort(), ['dork db?.db', 'dork db?.db-wal']);
    });
  }

  it('is read through the -shm of a writer that has it open', { timeout: 60_000 }, () => {
    using at = media();
    using db = createDb(at.file);
    deny(db, 'b');
    const found = asNobody(at.file, at.outside);
    if (!found) return;
    assert.deepEqual(found.opened.rows, [{ path: '/a' }, { path: '/b' }], JSON.stringify(found));
  });

  it('says so when a writer opens it meanwhile', { timeout: 60_000 }, async () => {
    if (!IS_ROOT) return;
    using at = media();
    const [command = '', ...line] = runtimeCommand(SCRIPT, RUNTIME);
    const child = spawn(command, [...line, at.file, at.outside, 'nobody', 'open'], {
      cwd: ROOT,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async () => JSON.parse(String((await lines.next()).value));
    try {
      assert.deepEqual(await next(), [{ path: '/a' }]);
      using db = createDb(at.file);
      deny(db, 'b');
      child.stdin.write('again\n');
      assert.equal((await next()).code, 'FILE_CHANGED');
    } finally {
      child.kill('SIGKILL');
    }
  });
});
