/** Node's single executable: a program, Node itself and this package as one file that needs nothing beside it. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { assertBuilt } from '../support/built.ts';
import { temporaryFolder } from '../support/folder.ts';
import { NODE, ROOT } from '../support/runtime.ts';

/** One CommonJS file of a program that uses the package as it is built. */
function bundled(outfile: string): void {
  const esbuild = join(ROOT, 'node_modules', '.bin', 'esbuild');
  const program = join(ROOT, 'test', 'consumers', 'fixtures', 'back-up.ts');
  const alias = `--alias:@dorkos/db=${join(ROOT, 'dist', 'node.js')}`;
  const line = [program, '--bundle', '--platform=node', '--format=cjs', alias, `--outfile=${outfile}`];
  execFileSync(esbuild, [...line, '--log-level=warning'], { stdio: 'pipe' });
}

/** By Node itself from 25.5 on; before, by postject, which writes the program into a copy of Node. */
function makeExecutable(folder: string, main: string, output: string): void {
  const config = join(folder, 'sea.json');
  const hasBuild = execFileSync(NODE, ['--help'], { encoding: 'utf8' }).includes('--build-sea');
  const blob = join(folder, 'sea.blob');
  const options = { main, output: hasBuild ? output : blob, disableExperimentalSEAWarning: true };
  writeFileSync(config, JSON.stringify(options));
  execFileSync(NODE, [hasBuild ? '--build-sea' : '--experimental-sea-config', config], { stdio: 'pipe' });
  if (hasBuild) return;
  const program = execFileSync(NODE, ['-p', 'process.execPath'], { encoding: 'utf8' }).trim();
  copyFileSync(program, output);
  chmodSync(output, 0o755);
  const postject = join(ROOT, 'node_modules', '.bin', 'postject');
  const fuse = ['--sentinel-fuse', 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'];
  const mac = process.platform === 'darwin' ? ['--macho-segment-name', 'NODE_SEA'] : [];
  execFileSync(postject, [output, 'NODE_SEA_BLOB', blob, ...fuse, ...mac], { stdio: 'pipe' });
}

it('a single executable of Node backs up in its thread and restores, alone in an empty folder', {
  timeout: 180_000,
}, () => {
  assertBuilt();
  using folder = temporaryFolder();
  const alone = folder.file('alone');
  mkdirSync(alone);
  const output = join(alone, 'app');
  bundled(folder.file('main.js'));
  makeExecutable(folder.path, folder.file('main.js'), output);
  assert.deepEqual(readdirSync(alone), ['app']);
  const { status, stdout, stderr } = spawnSync(output, [join(alone, 'dork.db')], {
    cwd: alone,
    env: { HOME: alone },
    encoding: 'utf8',
  });
  assert.deepEqual([status, stderr], [0, '']);
  const { isOffTheLoop: _, threads, ...done } = JSON.parse(stdout);
  assert.ok(threads > 0, 'the backup ran in the thread of the loop');
  assert.deepEqual(done, { driver: 'node:sqlite', rows: 20_000, isSame: true, restored: 20_000 });
});
