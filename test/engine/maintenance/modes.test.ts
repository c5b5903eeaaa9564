import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { temporaryFolder } from '../../support/folder.ts';
import { runtimeCommand } from '../../support/runtime.ts';

describe('the modes of files', () => {
  for (const umask of ['000', '022']) {
    it(`let nobody but the owner in under umask ${umask}, whatever is done to them`, { timeout: 60_000 }, () => {
      using folder = temporaryFolder();
      const home = join(folder.path, 'home', '.dork');
      mkdirSync(join(folder.path, 'home'));
      const [command, script] = runtimeCommand('test/engine/maintenance/fixtures/modes.ts');
      const { stdout, stderr } = spawnSync('sh', ['-c', `umask ${umask}; exec '${command}' '${script}'`], {
        encoding: 'utf8',
        env: { ...process.env, DORK_HOME: home },
      });
      assert.ok(stdout, stderr);
      const seen = JSON.parse(stdout) as Record<string, string>[];
      assert.equal(seen.length, 4);
      for (const [i, modes] of seen.entries()) {
        for (const [path, mode] of Object.entries(modes)) {
          const isFolder = path === '.' || path === 'backups';
          assert.equal(mode, isFolder ? '700' : '600', `${path}, step ${i + 1}`);
        }
      }
      const paths = (step: number) => Object.keys(seen[step] ?? {}).sort();
      assert.deepEqual(paths(0), ['.', 'dork.db', 'dork.db-shm', 'dork.db-wal']);
      assert.match(
        paths(1).join(),
        /^\.,backups,backups\/dork-pre-migration-[^,]*\.db,dork\.db,dork\.db-shm,dork\.db-wal$/,
      );
      assert.equal(paths(2).filter((path) => /-(shm|wal)$/.test(path)).length, 0);
      assert.deepEqual(paths(3), paths(1));
    });
  }
});
