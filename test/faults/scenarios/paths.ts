import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  BackupError,
  backup,
  compact,
  createDb,
  DatabaseOpenError,
  DorkDbError,
  InvalidInputError,
  listBackups,
  migrationStatus,
  pruneBackups,
  recover,
  restore,
  runMigrations,
  verifyBackup,
} from '#entry';
import { writeHome } from '../oracle.ts';
import { type Bench, EACH, type Scenario } from '../scenario.ts';

/** What is in a folder; links and pipes are named, and not followed. */
function listing(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return `${path} ${entry.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : ''}`;
    })
    .sort();
}

/** What stands where a database is expected, and the code of its refusal. */
const IN_ITS_PLACE: Readonly<Record<string, { code: RegExp; put(file: string, model: string): void }>> = {
  'a folder': { code: /^IS_A_FOLDER$/, put: (file) => void mkdirSync(file) },
  'a text': { code: /^NOT_A_DATABASE$/, put: (file) => writeFileSync(file, 'once upon a time\n'.repeat(500)) },
  'one byte': { code: /^NOT_A_DATABASE$/, put: (file) => writeFileSync(file, 'S') },
  'a database of another program': {
    code: /^NOT_OURS$/,
    put: (file) => {
      writeFileSync(file, '');
      using memory = createDb(':memory:');
      using connection = memory.$client.sibling(file);
      connection.exec('CREATE TABLE places (id, url); INSERT INTO places VALUES (1, 2)');
    },
  },
  'a cut-off database': {
    code: /^TRUNCATED$/,
    put: (file, model) => {
      copyFileSync(model, file);
      truncateSync(file, 20_000);
    },
  },
  'a link to nothing': { code: /^DANGLING_LINK$/, put: (file) => symlinkSync(`${file}-nowhere`, file) },
  'a link to a folder': { code: /^IS_A_FOLDER$/, put: (file, model) => symlinkSync(join(model, '..', 'empty'), file) },
  'a pipe': { code: /^NOT_A_FILE$/, put: (file) => void execFileSync('mkfifo', [file]) },
  'a missing folder': { code: /^FOLDER_MISSING$/, put: (file) => rmSync(join(file, '..'), { recursive: true }) },
  'a file for a folder': {
    code: /^FOLDER_MISSING$/,
    put: (file) => {
      rmSync(join(file, '..'), { recursive: true });
      writeFileSync(join(file, '..'), 'x');
    },
  },
  'only a -wal': { code: /^LOST_MAIN_FILE$/, put: (file) => writeFileSync(`${file}-wal`, 'x'.repeat(5000)) },
  'an empty file beside a -wal': {
    code: /^LOST_MAIN_FILE$/,
    put: (file) => {
      writeFileSync(file, '');
      writeFileSync(`${file}-wal`, 'x'.repeat(5000));
    },
  },
  'an empty file beside backups': {
    code: /^LOST_CONTENT$/,
    put: (file, model) => {
      writeFileSync(file, '');
      mkdirSync(join(file, '..', 'backups'));
      copyFileSync(model, join(file, '..', 'backups', 'dork-backup-20260101T000000000Z.db'));
    },
  },
};

const WRONG_FILES: Scenario = {
  name: 'wrong-files',
  promise: 'What is no database of ours is refused by what it is; nothing is created, repaired or deleted.',
  sides: EACH,
  rounds: { quick: Object.keys(IN_ITS_PLACE).length, usual: 2 * Object.keys(IN_ITS_PLACE).length },
  mustMeet: Object.keys(IN_ITS_PLACE),
  prepare: ({ folder: bench }) => {
    const model = join(bench, 'dork.db');
    writeHome(model, bench, ['ada'], 5);
    mkdirSync(join(bench, 'empty'));
    return async ({ number, folder }) => {
      const home = join(folder, 'home');
      mkdirSync(home);
      const file = join(home, 'dork.db');
      const names = Object.keys(IN_ITS_PLACE);
      const name = names[number % names.length] ?? '';
      const { code, put } = IN_ITS_PLACE[name] ?? { code: /^$/, put: () => {} };
      put(file, model);
      const before = listing(folder);
      const isSame = () => assert.deepEqual(listing(folder), before);
      for (const options of [{}, { migrations: 'skip' }, { migrations: 'require' }, { readonly: true }] as const) {
        assert.throws(
          () => createDb(file, options),
          (error) => {
            assert.ok(error instanceof DatabaseOpenError, String(error));
            assert.match(error.code, code, error.message);
            assert.ok(error.hint.length > 10);
            return true;
          },
        );
        isSame();
      }
      assert.throws(() => migrationStatus(file), DorkDbError);
      assert.throws(() => runMigrations(file), DorkDbError);
      assert.throws(() => compact(file), DorkDbError);
      await assert.rejects(verifyBackup(file), BackupError);
      await assert.rejects(restore({ from: file, to: join(bench, 'other.db') }), DorkDbError);
      isSame();
      return name;
    };
  },
};

/** Paths that the drivers would take for another one, or for none. */
const NO_PATHS: readonly unknown[] = [
  '',
  ' ',
  '\0',
  'dork.db\0.txt',
  'dork.db ',
  'dork.db\n',
  '~',
  '~/dork.db',
  'file:dork.db',
  'file:dork.db?mode=memory',
  'file::memory:',
  ':memory',
  ':memory:x',
  'a\ud800',
  'x'.repeat(256),
  `${'é'.repeat(128)}.db`,
  null,
  0,
  Number.NaN,
  true,
  {},
  [],
  ['dork.db'],
  Symbol('path'),
  () => 'dork.db',
  new URL('file:///tmp/dork.db'),
];

/** Every public function that takes a path. */
function takersOf({ folder: bench }: Bench): Readonly<Record<string, (path: never) => unknown>> {
  const db = createDb(join(bench, 'dork.db'));
  return {
    createDb,
    migrationStatus,
    runMigrations,
    compact,
    verifyBackup,
    listBackups,
    pruneBackups,
    'restore from': (from) => restore({ from, to: join(bench, 'to.db') }),
    'restore to': (to) => restore({ from: join(bench, 'dork.db'), to }),
    'recover from': (from) => recover({ from, to: join(bench, 'to.db') }),
    'recover to': (to) => recover({ from: join(bench, 'copy.db'), to }),
    'backup to': (to) => backup(db, { to }),
    'backup dir': (dir) => backup(db, { dir }),
  };
}

const WRONG_PATHS: Scenario = {
  name: 'wrong-paths',
  promise: 'A path that a driver would take for another one is refused by name, and nothing is created.',
  sides: EACH,
  rounds: { quick: 2, usual: 4 },
  prepare: (bench) => {
    const inside = join(bench.folder, 'inside');
    mkdirSync(inside);
    const takers = takersOf({ ...bench, folder: inside });
    cpSync(join(inside, 'dork.db'), join(inside, 'copy.db'));
    return async ({ folder }) => {
      const here = process.cwd();
      process.chdir(folder);
      try {
        const before = [listing(inside), listing(folder)];
        for (const [name, take] of Object.entries(takers)) {
          for (const path of NO_PATHS) {
            const error = await refusalOf(() => take(path as never));
            assert.ok(error instanceof InvalidInputError, `${name} of ${String(path)}: ${error}`);
            assert.ok(error.field.length > 0);
          }
        }
        assert.deepEqual([listing(inside), listing(folder)], before);
      } finally {
        process.chdir(here);
      }
      return undefined;
    };
  },
};

/** What a call throws or rejects with. */
async function refusalOf(call: () => unknown): Promise<unknown> {
  try {
    const result = await call();
    return `it gave ${typeof result}`;
  } catch (error) {
    return error;
  }
}

export const PATHS = [WRONG_FILES, WRONG_PATHS];
