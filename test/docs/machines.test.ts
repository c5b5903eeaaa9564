/** docs/replication.md with three folders as three machines: one writes, two follow, it dies, one takes over, it comes back. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createDb, relayIndex } from '#entry';
import { assertBuilt } from '../support/built.ts';
import { consumerProject, installCommand } from '../support/consumer-project.ts';
import { CATCH_UP_MS, killed, LITESTREAM, seen } from '../support/litestream.ts';
import { BUN, NODE, ROOT } from '../support/runtime.ts';
import { blocksBelow } from './code-blocks.ts';

/** A server: writes a row every few milliseconds until it is killed, and prints how many there are. */
const SERVER = `
import { createDb, SqliteIndex } from '@dorkos/db';
const index = new SqliteIndex(createDb());
let n = 0;
setInterval(() => {
  index.insertMessage({ id: process.argv[2] + n++, subject: 's', endpointHash: 'h', payload: 'x'.repeat(500) });
  console.log(n);
}, 5);
`;

/** The commands of the document by their words, e.g. `b replicate`. */
const COMMANDS = new Map(
  blocksBelow(ROOT, ['docs/replication.md'], '.md')
    .filter(({ words }) => words[0] === 'machines')
    .map(({ words, code }) => [words.slice(1).join(' '), code.trim()]),
);

function idsIn(file: string): string[] {
  using db = createDb(file, { readonly: true, migrations: 'skip' });
  return db
    .select({ id: relayIndex.id })
    .from(relayIndex)
    .all()
    .map(({ id }) => id);
}

describe('three machines', () => {
  it('have one writer at a time; the one that comes back waits for a person', { timeout: 120_000 }, async () => {
    assertBuilt();
    using project = consumerProject();
    const shared = project.file('shared');
    mkdirSync(shared);
    writeFileSync(project.file('server.ts'), SERVER);
    const bin = installCommand(project, NODE);
    symlinkSync(LITESTREAM, join(bin, 'litestream'));
    const running: ChildProcess[] = [];

    /** One machine: its own home, and the shared folder. */
    const machine = (name: string) => {
      const home = project.file(name);
      mkdirSync(home);
      const env = {
        ...process.env,
        PATH: `${bin}:${process.env.PATH}`,
        SHARED: shared,
        DORK_HOME: home,
        NO_COLOR: '1',
      };
      const bash = (script: string) =>
        spawnSync('bash', ['-euo', 'pipefail', '-c', script], { cwd: project.path, env, encoding: 'utf8' });
      const start = (command: string, args: readonly string[]) => {
        const child = spawn(command, args, { cwd: project.path, env, stdio: ['ignore', 'pipe', 'pipe'] });
        running.push(child);
        return child;
      };
      return {
        file: (file: string) => join(home, file),
        bash,
        /** @param tries A copy of a replica that is being written may be refused as damaged. */
        does(what: string, tries = 1): string {
          const { status, stdout, stderr } = bash(COMMANDS.get(what) as string);
          if (status !== 0 && tries > 1) return this.does(what, tries - 1);
          assert.equal(status, 0, `${name}, ${what}: ${stdout}${stderr}`);
          return stdout;
        },
        async replicates(what: string): Promise<ChildProcess> {
          const litestream = start('bash', ['-c', `exec ${COMMANDS.get(what)}`]);
          await seen(litestream, /replicating to/);
          return litestream;
        },
        serves: (runtime: string, prefix: string) => start(runtime, ['server.ts', prefix]),
        /** Follows until its copy has some rows. */
        async follows(term: number, isEnough: (ids: readonly string[]) => boolean): Promise<string[]> {
          const script = (COMMANDS.get('follow') as string).replace('000001', `00000${term}`);
          const deadline = Date.now() + CATCH_UP_MS;
          while (Date.now() < deadline) {
            // Before the first snapshot is sent there is nothing to copy, and in its middle the copy is damaged.
            const ids = bash(script).status === 0 ? idsIn(join(home, 'follow.db')) : [];
            if (isEnough(ids)) return ids;
            await new Promise((resolve) => setTimeout(resolve, 300));
          }
          throw new Error('It does not catch up');
        },
      };
    };

    try {
      const [a, b, c] = [machine('a'), machine('b'), machine('c')];
      for (const each of [a, b, c]) each.does('each');
      a.does('a');
      const replicating = await a.replicates('a replicate');
      const first = a.serves(BUN, 'a-');
      await seen(first, /^200$/m);
      const enough = (prefix: string, count: number) => (ids: readonly string[]) =>
        ids.filter((id) => id.startsWith(prefix)).length >= count;
      const [onB] = await Promise.all([b.follows(1, enough('a-', 200)), c.follows(1, enough('a-', 200))]);
      assert.match(await ended(b.serves(NODE, 'b-')), /NOT_THE_WRITER/, 'a follower writes');

      // A dies, its Litestream a moment before, so that some of its rows are on A alone.
      await killed(replicating);
      const before = idsIn(a.file('dork.db')).length;
      while (idsIn(a.file('dork.db')).length < before + 50) await new Promise((resolve) => setTimeout(resolve, 20));
      await killed(first);
      b.does('b');
      const [onA, taken] = [idsIn(a.file('dork.db')), idsIn(b.file('dork.db'))];
      assert.deepEqual(
        taken.filter((id) => !onA.includes(id)),
        [],
      );
      assert.deepEqual(
        onB.filter((id) => !taken.includes(id)),
        [],
        'B lacks rows that it had seen',
      );
      const alone = onA.filter((id) => !taken.includes(id));
      assert.ok(alone.length >= 50);

      const second = b.serves(NODE, 'b-');
      await b.replicates('b replicate');
      await seen(second, /^100$/m);
      await c.follows(2, enough('b-', 100));

      // A comes back as it was, its Litestream too.
      const asItWas = ['dork.db', 'dork.db-wal'].map((name) => readFileSync(a.file(name)));
      assert.match(await ended(a.serves(BUN, 'a-back-')), /NOT_THE_WRITER/);
      assert.match(await ended(a.serves(NODE, 'a-back-')), /NOT_THE_WRITER/);
      assert.equal(a.bash('dork-db migrate').status, 1);
      assert.deepEqual(
        ['dork.db', 'dork.db-wal'].map((name) => readFileSync(a.file(name))),
        asItWas,
      );
      const woken = await a.replicates('a replicate');
      await killed(woken);
      assert.match(a.does('back', 3), /relay_index/);
      const seenByA = idsIn(a.file('restored.db'));
      assert.ok(enough('b-', 1)(seenByA));
      assert.deepEqual(
        seenByA.filter((id) => alone.includes(id)),
        [],
        'A writes into the replica of B',
      );

      // The person decides: A follows. What it alone has is kept, and it still may not write.
      a.does('decide');
      assert.ok(enough('b-', 1)(idsIn(a.file('dork.db'))));
      const [replaced] = readdirSync(a.file('backups')).filter((name) => name.startsWith('replaced-'));
      assert.deepEqual(idsIn(join(a.file('backups'), replaced as string, 'dork.db')).sort(), onA.toSorted());
      assert.equal(a.bash('dork-db migrate').status, 1);
      assert.deepEqual(
        [b, a, c].map((each) => each.bash('dork-db writer').status),
        [0, 3, 3],
      );
    } finally {
      await Promise.all(running.map(killed));
    }
  });
});

/** Waits until a process has ended by itself with an error, and returns what it printed there. */
async function ended(child: ChildProcess): Promise<string> {
  let errors = '';
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(code, 1, errors);
  return errors;
}
