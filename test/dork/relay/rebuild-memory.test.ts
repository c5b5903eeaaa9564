import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { newId } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME, runtimeCommand } from '../../support/runtime.ts';
import { envelope, MaildirFiles } from './fixtures/maildir.ts';

/** With DORK_SOAK=1 the tree is as large as the promise. */
const FILES = process.env.DORK_SOAK ? 100_000 : 5_000;
const ENDPOINTS = 10;

const MOST_MB = 100;

interface Taken {
  readonly found: number;
  readonly totalMessages: number;
  readonly told: number;
  readonly turns: number;
  readonly grownMB: number;
}

/** A payload as an agent writes one; every thousandth is large. */
function payload(i: number): { text: string } {
  return { text: 'What an agent has to say. '.repeat(i % 1000 === 0 ? 20_000 : 40) };
}

describe(`rebuild of ${FILES} files on ${RUNTIME}`, () => {
  it('streams them: memory stays bounded, progress is told, and others get their turn', { timeout: 600_000 }, () => {
    using folder = temporaryFolder();
    const root = folder.file('maildir');
    const files = new MaildirFiles(root);
    for (let i = 0; i < FILES; i++) {
      const subdir = i % 10 === 0 ? 'new' : i % 10 === 1 ? 'failed' : 'cur';
      const from = `relay.agent.proj.sender-${i % 100}`;
      files.write(`hash-${i % ENDPOINTS}`, subdir, newId(), envelope({ from, payload: payload(i) }));
    }
    const path = folder.file('dork.db');
    const rebuild = (): Taken => {
      const [command, script] = runtimeCommand('test/dork/relay/fixtures/rebuild-memory.ts');
      const output = execFileSync(command, [script, path, root, String(ENDPOINTS)], { encoding: 'utf8' });
      console.log(`rebuild of ${FILES} files on ${RUNTIME}: ${output.trim()}`);
      return JSON.parse(output.trim().split('\n').at(-1) ?? '');
    };
    // The index is empty the first time, and complete the second.
    for (const taken of [rebuild(), rebuild()]) {
      assert.equal(taken.found, FILES);
      assert.equal(taken.totalMessages, FILES);
      assert.ok(taken.grownMB < MOST_MB, `${taken.grownMB} MB above the start`);
      assert.ok(taken.told >= FILES / 1024, `told ${taken.told} times`);
      assert.ok(taken.turns > 0);
    }
  });
});
