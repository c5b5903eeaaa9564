/** The test files of docs/testing.md, run as a reader runs them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { assertBuilt } from '../support/built.ts';
import { consumerProject } from '../support/consumer-project.ts';
import { BUN, NODE, ROOT } from '../support/runtime.ts';
import { blocksBelow } from './code-blocks.ts';
import { fileOf } from './program.ts';

const DOCUMENT = 'docs/testing.md';
const files = blocksBelow(ROOT, [DOCUMENT], '.md').flatMap((block) => {
  const name = fileOf(block);
  return name === undefined ? [] : [{ name, code: block.code }];
});
const ofNode = files.filter(({ code }) => code.includes("'node:test'"));

/** The test runners that are here; the documents name others, whose calls are the same. */
const RUNNERS: [name: string, command: string, args: readonly string[], files: typeof files][] = [
  ['bun test', BUN, ['test'], files],
  ['node --test', NODE, ['--test'], ofNode],
];

describe(DOCUMENT, { timeout: 120_000 }, () => {
  before(assertBuilt);

  for (const [runner, command, args, tests] of RUNNERS) {
    it(`passes with ${runner}`, { timeout: 60_000 }, () => {
      assert.ok(tests.length > 0);
      using project = consumerProject();
      for (const { name, code } of tests) writeFileSync(project.file(name), code);
      const names = tests.map(({ name }) => `./${name}`);
      const { status, stdout, stderr } = spawnSync(command, [...args, ...names], {
        cwd: project.path,
        encoding: 'utf8',
        // A test runner that finds the mark of another one prints nothing that people read.
        env: { ...process.env, NODE_TEST_CONTEXT: undefined },
      });
      assert.equal(status, 0, stdout + stderr);
    });
  }
});
