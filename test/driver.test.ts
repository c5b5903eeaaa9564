import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { createDb } from '#entry';
import { DRIVER, NODE, ROOT, RUNTIME } from './support/runtime.ts';

describe('this suite', () => {
  it(`runs on ${DRIVER}, and so do the processes that it starts`, () => {
    console.log(`suite: driver ${DRIVER}, ${RUNTIME} ${process.versions.bun ?? process.versions.node}`);
    using db = createDb(':memory:');
    assert.equal(db.$client.driver, DRIVER);
    const script = `import { createDb } from './src/node.ts'; console.log(createDb(':memory:').$client.driver);`;
    const { stdout } = spawnSync(NODE, ['--input-type=module', '-e', script], { cwd: ROOT, encoding: 'utf8' });
    assert.equal(stdout.trim(), process.env.DORK_DB_DRIVER || 'better-sqlite3');
  });
});
