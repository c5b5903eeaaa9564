/** Marks, folders and processes as nobody wants them: never two writers, and nothing is made where that is unknown. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { backup, compact, createDb, defineDb, recover, restore, runMigrations, writer } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { DRIVER, ROOT, RUNTIME, runtimeCommand } from '../../support/runtime.ts';
import { notesHistory, schema } from '../notes.ts';

const own = defineDb({ name: 'notes', schema, history: notesHistory() });
const ROUNDS = process.env.DORK_SOAK ? 50 : 6;

const codeOf = (run: () => unknown): string | undefined => {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};

/** Machines that joined the same folder. The first one is the writer. */
function machines(...names: string[]) {
  const folder = temporaryFolder();
  const shared = folder.file('shared');
  mkdirSync(shared);
  const paths = names.map((name) => {
    mkdirSync(folder.file(name));
    return folder.file(`${name}/dork.db`);
  });
  for (const path of paths) writer({ path, join: shared });
  const [a = '', b = ''] = paths;
  writer({ path: a, takeOver: true });
  createDb(a).$client.close();
  return { folder, shared, a, b, paths, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

describe(`a hostile world for the writer of several machines on ${DRIVER}`, () => {
  it('writes nothing for a mark that is not one, whatever is there', () => {
    using all = machines('a', 'b');
    const { a, b, shared } = all;
    writeFileSync(`${shared}/writer-000002.json`, '{}');
    const id = crypto.randomUUID();
    const marks: unknown[] = [
      null,
      [],
      {},
      7,
      'x',
      { id, shared },
      { id, shared, term: 'x' },
      { id, shared, term: 0.5 },
    ];
    marks.push({ id: '', shared, term: 0 }, { id, shared: 'shared', term: 0 }, { id, shared: `${shared}\0`, term: 0 });
    marks.push({ id, shared: '', term: 0 }, { id, shared, term: 0, folder: 'another' });
    const texts = [...marks.map((mark) => JSON.stringify(mark)), '', '\0'.repeat(100), '{"id":', 'x'.repeat(1_000_000)];
    const put: (() => void)[] = texts.map((text) => () => writeFileSync(`${b}.writer`, text));
    put.push(() => mkdirSync(`${b}.writer`));
    put.push(() => symlinkSync(all.folder.file('nowhere'), `${b}.writer`));
    put.push(() => symlinkSync(`${b}.writer`, `${b}.writer`));
    for (const [i, make] of put.entries()) {
      rmSync(`${b}.writer`, { recursive: true });
      make();
      const before = readdirSync(shared);
      const calls = [() => createDb(b), () => runMigrations(b), () => writer({ path: b })];
      for (const run of [...calls, () => writer({ path: b, takeOver: true })])
        assert.equal(codeOf(run), 'WRITER_UNKNOWN', `${i} ${texts[i]?.slice(0, 80)}`);
      assert.deepEqual(readdirSync(shared), before);
      assert.deepEqual(readdirSync(all.folder.file('b')), ['dork.db.writer']);
    }
    assert.equal(writer({ path: b, leave: true }).isWriter, true);
    assert.equal(writer({ path: a, takeOver: true }).term, 3);
  });

  it('knows an unmounted folder also before it has seen a term, and another folder at the same path', () => {
    using all = machines('a', 'b');
    const { a, b, shared } = all;
    renameSync(shared, `${shared}-away`);
    mkdirSync(shared);
    for (const join of [undefined, shared]) {
      assert.equal(
        codeOf(() => writer({ path: b, takeOver: true, ...(join && { join }) })),
        'WRITER_UNKNOWN',
      );
      assert.deepEqual(readdirSync(shared), []);
    }
    const other = all.folder.file('other.db');
    writer({ path: other, join: shared });
    for (const path of [a, b])
      assert.equal(
        codeOf(() => writer({ path, takeOver: true })),
        'WRITER_UNKNOWN',
      );
    rmSync(shared, { recursive: true });
    renameSync(`${shared}-away`, shared);
    assert.deepEqual([writer({ path: a }).isWriter, writer({ path: b, takeOver: true }).term], [true, 2]);
    assert.equal(
      codeOf(() => createDb(other)),
      'WRITER_UNKNOWN',
    );
  });

  it('takes a mark without the name of its folder, and terms of any number', () => {
    using all = machines('a', 'b');
    const { folder: _, ...older } = JSON.parse(readFileSync(`${all.a}.writer`, 'utf8'));
    writeFileSync(`${all.a}.writer`, JSON.stringify(older));
    createDb(all.a).$client.close();
    for (const name of ['writer-999999.json', 'writer-1.json', 'writer-x.json', 'writer-0000002.json.partial'])
      writeFileSync(`${all.shared}/${name}`, 'garbage');
    assert.equal(
      codeOf(() => createDb(all.a)),
      'NOT_THE_WRITER',
    );
    for (const term of [1_000_000, 1_000_001]) {
      const path = term % 2 ? all.b : all.a;
      assert.deepEqual([writer({ path, takeOver: true }).term, writer({ path }).isWriter], [term, true]);
    }
  });

  it('changes nothing if the mark cannot be written: the writer stays the writer', () => {
    using all = machines('a');
    const long = all.folder.file(`${'x'.repeat(230)}.db`);
    assert.equal(
      codeOf(() => writer({ path: long, join: all.shared })),
      'CANNOT_CREATE',
    );
    assert.equal(existsSync(`${long}.writer`), false);
    cpSync(`${all.a}.writer`, `${long}.writer`);
    writeFileSync(`${long}.writer`, readFileSync(`${long}.writer`, 'utf8').replace('"id":"', '"id":"x'));
    assert.equal(
      codeOf(() => writer({ path: long, takeOver: true })),
      'CANNOT_CREATE',
    );
    assert.deepEqual([writer({ path: all.a }).isWriter, writer({ path: long }).isWriter], [true, false]);
    createDb(all.a).$client.close();
  });

  it(`killed at ${ROUNDS} moments of handovers: never two writers, and nothing is left`, {
    timeout: 300_000,
  }, async () => {
    using all = machines('a', 'b');
    const [command, script] = runtimeCommand('test/engine/writer/fixtures/handovers.ts', RUNTIME);
    for (let round = 0; round < ROUNDS; round++) {
      const children = [all.paths, [...all.paths].reverse()].map((paths) =>
        spawn(command, [script, ...paths], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] }),
      );
      await Promise.all(children.map((child) => once(child.stdout, 'data')));
      await pause(Math.random() * 200);
      const ended = children.map((child) => once(child, 'exit'));
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(ended);
      const before = all.paths.filter((path) => writer({ path }).isWriter);
      assert.ok(before.length <= 1, String(before));
      const winner = all.paths[round % 2] as string;
      assert.equal(writer({ path: winner, takeOver: true }).isWriter, true);
      const may = all.paths.filter((path) => writer({ path }).isWriter);
      assert.deepEqual(may, [winner]);
    }
    for (const path of all.paths) writer({ path, takeOver: true });
    const left = ['a', 'b'].flatMap((name) => readdirSync(all.folder.file(name)));
    assert.deepEqual(left.sort(), ['dork.db', 'dork.db.writer', 'dork.db.writer']);
  });

  it('may be asked by several threads at once', { timeout: 120_000 }, async () => {
    using all = machines('a', 'b');
    const workerData = { path: all.b, shared: all.shared };
    const url = new URL('./fixtures/in-thread.ts', import.meta.url);
    const posted = await Promise.all(
      [0, 1, 2].map(async () => {
        const worker = new Worker(url, { workerData });
        const [codes] = await once(worker, 'message');
        await worker.terminate();
        return codes as string[];
      }),
    );
    // Another thread left, or was about to write the mark.
    const expected = ['INVALID_INPUT', 'TERM_TAKEN', 'WRITER_UNKNOWN'];
    assert.deepEqual(
      posted.flat().filter((code) => !expected.includes(code)),
      [],
    );
    assert.deepEqual(
      readdirSync(all.folder.file('b')).filter((name) => name !== 'dork.db.writer'),
      [],
    );
    assert.equal(writer({ path: all.a, takeOver: true }).isWriter, true);
  });

  it('stays with the path, not with the file: compacted, restored, recovered, moved, copied', async () => {
    using all = machines('a', 'b');
    const { a, b } = all;
    const { path } = await (async () => {
      using db = createDb(a);
      return await backup(db);
    })();
    await compact(a);
    await restore({ from: path, to: a });
    assert.equal(writer({ path: a }).isWriter, true);
    // What is made elsewhere belongs to nobody; what is put at the path of another machine may not be written there.
    const elsewhere = all.folder.file('recovered.db');
    await recover({ from: a, to: elsewhere });
    assert.deepEqual(writer({ path: elsewhere }), { path: elsewhere, isWriter: true, term: 0 });
    await restore({ from: path, to: b });
    renameSync(a, all.folder.file('moved.db'));
    createDb(all.folder.file('moved.db')).$client.close();
    cpSync(all.folder.file('moved.db'), a);
    createDb(a).$client.close();
    for (const open of [() => createDb(b), () => own.createDb(b), () => runMigrations(b)])
      assert.equal(codeOf(open), 'NOT_THE_WRITER');
    for (const run of [() => writer({ path: ':memory:' }), () => writer({ path: all.folder.file('a\0') })])
      assert.equal(codeOf(run), 'INVALID_INPUT');
  });
});
