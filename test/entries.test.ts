/** The entry of Bun and that of Node are one: the same names, of the same types. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import type * as bun from '../src/index.ts';
import type * as node from '../src/node.ts';
import { runtimeCommand } from './support/runtime.ts';

/** True only where neither type can be told from the other. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

// Compiled by `bun run types`.
const isSame: Same<typeof bun, typeof node> & Same<bun.Db, node.Db> = true;
// @ts-expect-error a type that differs is told apart
const isOther: Same<typeof bun, Omit<typeof node, 'createDb'>> = true;

describe('the two entries', () => {
  it('give the same names', () => {
    assert.ok(isSame && isOther);
    const [bunNames, nodeNames] = (['bun', 'node'] as const).map((runtime) => {
      const [command, path] = runtimeCommand(`src/${runtime === 'bun' ? 'index' : 'node'}.ts`, runtime);
      const flag = runtime === 'bun' ? ['-e'] : ['--input-type=module', '-e'];
      const script = `console.log(Object.keys(await import(${JSON.stringify(path)})).sort().join())`;
      const { status, stdout, stderr } = spawnSync(command, [...flag, script], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      return stdout;
    });
    assert.ok(bunNames?.includes('createDb'));
    assert.equal(bunNames, nodeNames);
  });
});
