import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { temporaryFolder } from '../../support/folder.ts';
import { NODE, ROOT } from '../../support/runtime.ts';

describe('a Node that is too old for better-sqlite3', () => {
  it('is named before the driver is loaded, and no file is created', () => {
    using folder = temporaryFolder();
    const script = `
      Object.defineProperty(process.versions, 'node', { value: '22.14.0' });
      const { createDb, UnsupportedRuntimeError } = await import('./src/node.ts');
      try {
        createDb(process.argv[1]);
      } catch (error) {
        if (error instanceof UnsupportedRuntimeError) console.log(JSON.stringify(error));
      }
      if (Object.keys(process.report.getReport().sharedObjects).length === 0) throw new Error('no report');
      console.log(process.report.getReport().sharedObjects.some((path) => path.includes('better-sqlite3')));`;
    const { stdout, stderr } = spawnSync(NODE, ['--input-type=module', '-e', script, folder.file('dork.db')], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, DORK_DB_DRIVER: 'better-sqlite3' },
    });
    const [error, isLoaded] = stdout.trim().split('\n');
    assert.ok(error && isLoaded, stderr);
    assert.equal(JSON.parse(error).code, 'NODE_TOO_OLD');
    assert.match(JSON.parse(error).hint, /22\.15\.0/);
    assert.equal(isLoaded, 'false');
    assert.deepEqual(readdirSync(folder.path), []);
  });
});
