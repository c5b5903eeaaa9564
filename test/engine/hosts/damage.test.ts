/** A host's file of 100 migrations, damaged in every way: refused or reported, then restored and recovered. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { BackupError, DatabaseOpenError, DorkDbError, MigrationError, RestoreError } from '#entry';
import { FILE_MUTATIONS, SIDECAR_MUTATIONS } from '../../faults/mutations.ts';
import { Random } from '../../kit/random.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { DRIVER } from '../../support/runtime.ts';
import { contents, SLOW_DISK_MS } from '../backup/support.ts';
import { type Dump, dump, growingHost, populate } from './hundred.ts';

/** The drivers share the kinds of damage: each takes every third, and all of them with DORK_SOAK=1. */
const SHARE = ['bun:sqlite', 'better-sqlite3', 'node:sqlite'].indexOf(DRIVER);
const ROUNDS = process.env.DORK_SOAK ? 20 : 1;

const kit = growingHost();

const fileIn = (home: string) => join(home, 'host.db');

interface Model {
  readonly closed: string;
  readonly withWal: string;
  readonly backup: string;
  /** The content of the backup. */
  readonly kept: Dump;
  /** The committed states, oldest first. */
  readonly states: readonly Dump[];
}

async function modelIn(folder: string): Promise<Model> {
  const [home, closed, withWal] = [join(folder, 'home'), join(folder, 'closed'), join(folder, 'with-wal')];
  mkdirSync(home);
  const { path: backup, kept } = await filled(home, join(folder, 'backup.db'));
  cpSync(home, closed, { recursive: true });
  using db = kit.createDb(fileIn(home));
  const states = [dump(db.$client)];
  for (const call of [2, 3, 4]) {
    db.transaction(() => populate(db.$client, call));
    states.push(dump(db.$client));
  }
  cpSync(home, withWal, { recursive: true });
  assert.ok(existsSync(`${fileIn(withWal)}-wal`));
  return { closed, withWal, backup, kept, states };
}

async function filled(home: string, to: string) {
  using db = kit.createDb(fileIn(home));
  db.transaction(() => populate(db.$client, 1, 150));
  const { path } = await kit.backup(db, { to });
  return { path, kept: dump(db.$client) };
}

/** Everything that must not change if a file is refused. SQLite may rebuild the -shm at any time. */
const stateOf = (home: string) =>
  Object.fromEntries(Object.entries(contents(home)).filter(([name]) => !/-shm$|^backups$/.test(name)));

const rowsOf = ([, tables]: Dump) => tables.map(([table, rows]) => [table, rows.length]);

/** Opens the damaged file: it is refused and unchanged, or health reports it, or its rows are those of a commit. */
function judge(home: string, states: readonly Dump[]): string {
  const before = stateOf(home);
  let db: ReturnType<typeof kit.createDb>;
  try {
    db = kit.createDb(fileIn(home));
  } catch (error) {
    assert.ok(error instanceof DatabaseOpenError || error instanceof MigrationError, String(error));
    assert.ok(error.hint.length > 10, error.message);
    assert.deepEqual(stateOf(home), before, `${error.code}: the refused file changed`);
    return 'refused';
  }
  using _ = db;
  const { findings } = kit.health(db, { deep: true });
  if (findings.some(({ severity, hint }) => severity === 'error' && hint !== undefined)) return 'reported';
  if (states.some((state) => isDeepStrictEqual(dump(db.$client), state))) return 'intact';
  // SQLite has no checksums: a changed value inside a page is a value.
  const counts = rowsOf(dump(db.$client));
  assert.ok(
    states.some((state) => isDeepStrictEqual(rowsOf(state), counts)),
    'Rows are lost, and health is silent',
  );
  return 'value';
}

/** Recovers a damaged file, and restores the result if the report allows it: the file is then well and current. */
async function recoverAndRestore(home: string, folder: string): Promise<string> {
  const before = contents(home);
  const to = join(folder, 'saved.db');
  try {
    const report = await kit.recover({ from: fileIn(home), to });
    assert.deepEqual(contents(home), before, 'The damaged files changed');
    if (!report.isRestorable) return 'saved, but not restorable';
  } catch (error) {
    assert.ok(error instanceof RestoreError || error instanceof BackupError, String(error));
    assert.ok(error.hint.length > 10, error.message);
    assert.equal(existsSync(to), false);
    assert.deepEqual(contents(home), before, 'The damaged files changed');
    return error.code;
  }
  const restored = join(folder, 'restored.db');
  await kit.restore({ from: to, to: restored });
  using db = kit.createDb(restored);
  const { findings } = kit.health(db, { deep: true });
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'error'),
    [],
  );
  assert.equal(kit.migrationStatus(db).state, 'current');
  return 'saved';
}

/** Restores the backup over the damaged file. A file that looks like another program's must be moved away first. */
async function restoreOver(home: string, { backup, kept }: Model): Promise<void> {
  const to = fileIn(home);
  try {
    await kit.restore({ from: backup, to });
  } catch (error) {
    assert.ok(error instanceof DorkDbError, String(error));
    assert.match(error.hint, /[Mm]ove .* away/, error.message);
    renameSync(to, `${to}.damaged`);
    rmSync(`${to}-wal`, { recursive: true, force: true });
    await kit.restore({ from: backup, to });
  }
  using db = kit.createDb(to);
  assert.deepEqual(dump(db.$client), kept);
}

const ALL_KINDS = [
  ...Object.entries(FILE_MUTATIONS).map(([name, mutate]) => ({ name, mutate, of: 'closed' }) as const),
  ...Object.entries(SIDECAR_MUTATIONS).map(([name, mutate]) => ({ name, mutate, of: 'withWal' }) as const),
];
const KINDS = process.env.DORK_SOAK ? ALL_KINDS : ALL_KINDS.filter((_, i) => i % 3 === SHARE);

describe(`a host's damaged file, on ${DRIVER}`, { timeout: 20 * SLOW_DISK_MS }, () => {
  it('is refused or reported, replaced by its backup, and recovered', { timeout: 20 * SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const model = await modelIn(folder.path);
    const seen = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      for (const { name, mutate, of } of KINDS) {
        using own = temporaryFolder();
        const home = own.file('home');
        cpSync(model[of], home, { recursive: true });
        if (mutate(fileIn(home), new Random(round)) === false) continue;
        cpSync(home, own.file('to-recover'), { recursive: true });
        try {
          seen.add(judge(home, model.states));
          seen.add(await recoverAndRestore(own.file('to-recover'), own.path));
          await restoreOver(home, model);
        } catch (cause) {
          throw new Error(`${name}, seed ${round}`, { cause });
        }
      }
    }
    const often = ['refused', 'saved'];
    for (const verdict of process.env.DORK_SOAK ? [...often, 'reported', 'intact', 'NOTHING_RECOVERED'] : often)
      assert.ok(seen.has(verdict), `no damage came out as ${verdict}`);
  });
});
