/**
 * bun run test:packages [WORD]: what is published, as people get it. `npm pack` makes it, without a Bun on the PATH; each
 * package manager installs it, each TypeScript compiles against it, each bundler bundles it, and other test runners run
 * the tests of docs/testing.md. It downloads some hundred megabytes and takes minutes, so it is not a part of the tests.
 * With a word, only checks whose name contains it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../support/runtime.ts';
import { checkBundlers } from './bundlers.ts';
import { checkCompilers } from './compilers.ts';
import { checkInstalls } from './installs.ts';
import { pack, runtimesIn } from './project.ts';
import { Report } from './report.ts';
import { checkRunners } from './runners.ts';

const [word = ''] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'dorkos-db-packages-'));
try {
  runtimesIn(join(folder, 'bin'));
  const packed = { folder, tarball: pack(ROOT, folder) };
  const report = new Report(new RegExp(word || '.', 'i'));
  await checkInstalls(report, packed);
  await checkCompilers(report, packed);
  await checkBundlers(report, packed);
  await checkRunners(report, packed);
  const { failures, outcomes } = report;
  console.log(`\n${outcomes.length - failures} of ${outcomes.length} checks passed.`);
  process.exitCode = failures > 0 || outcomes.length === 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
