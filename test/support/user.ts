import assert from 'node:assert/strict';
import { createDb } from '#entry';
import { run } from './processes.ts';
import { ROOT } from './runtime.ts';

/** The user `nobody`, who owns nothing, and its group. */
export const NOBODY = 65534;

/** From here on this process is another user's. The driver is loaded before the rights to read it are gone. */
export function becomeUser(id: number): void {
  createDb(':memory:').$client.close();
  process.setgroups?.([]);
  process.setgid?.(id);
  process.setuid?.(id);
}

/** The error that a function of the package gives to a user who owns nothing; an empty object where it gives none. */
export function errorForNobody(name: string, ...args: readonly unknown[]): Record<string, string> {
  const line = [name, ...args.map((arg) => JSON.stringify(arg))];
  const { out, err } = run('test/support/call-as-nobody.ts', line, { cwd: ROOT });
  assert.equal(err, '');
  return JSON.parse(out || '{}');
}
