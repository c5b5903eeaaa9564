/** Errors and values of another realm, as jest, node:vm and Electron have them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { runInNewContext } from 'node:vm';
import { isAsyncFunction, isBytes, isError, isPlainObject } from '../../src/engine/realm.ts';
import { temporaryFolder } from '../support/folder.ts';
import { ROOT, RUNTIME, runtimeCommand } from '../support/runtime.ts';

describe(`values of another realm on ${RUNTIME}`, () => {
  it('are known for what they are', () => {
    const cases: [code: string, check: (value: unknown) => boolean, is: boolean][] = [
      ['new RangeError("x")', isError, true],
      ['({ message: 5 })', isError, false],
      ['"message"', isError, false],
      ['({ a: 1 })', isPlainObject, true],
      ['Object.create(null)', isPlainObject, true],
      ['new (class A {})()', isPlainObject, false],
      ['Object.create(Object.create(null))', isPlainObject, false],
      ['[]', isPlainObject, false],
      ['new Map()', isPlainObject, false],
      ['new Date()', isPlainObject, false],
      ['null', isPlainObject, false],
      ['new Uint8Array(2)', isBytes, true],
      ['new Float64Array(2)', isBytes, false],
      ['new DataView(new ArrayBuffer(2))', isBytes, false],
      ['({ [Symbol.toStringTag]: "Uint8Array" })', isBytes, false],
      ['(async () => {})', isAsyncFunction, true],
      ['(() => {})', isAsyncFunction, false],
    ];
    for (const [code, check, is] of cases) {
      assert.equal(check(runInNewContext(code)), is, code);
      // biome-ignore lint/security/noGlobalEval: the same value, of this realm
      assert.equal(check(globalThis.eval(code)), is, `${code} here`);
    }
    assert.ok(isBytes(Buffer.from('x')));
    assert.ok(isPlainObject(structuredClone({ a: 1 })));
  });

  it('open a file, are stored and become typed errors', () => {
    using folder = temporaryFolder();
    const [command, ...args] = runtimeCommand('test/contract/fixtures/other-realm.ts');
    const { stdout, stderr } = spawnSync(command, [...args, folder.path], { cwd: ROOT, encoding: 'utf8' });
    assert.notEqual(stdout, '', stderr);
    assert.deepEqual(JSON.parse(stdout), {
      missing: 'FOLDER_MISSING',
      constraint: 'SQLITE_CONSTRAINT_NOTNULL',
      syntax: 'SQLITE_ERROR',
      parameters: 'INVALID_INPUT',
      asynchronous: 'TypeError',
      bytes: ['01FF', '01FF'],
      named: 1,
      date: 'TypeError',
      schedule: 'string',
      span: 'stored',
      backup: 'object',
    });
  });
});
