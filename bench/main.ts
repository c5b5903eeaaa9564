/**
 * `bun run bench [SUITE...] [--runtime bun|node] [--driver better-sqlite3|node:sqlite] [--rows N] [--rounds N] [--only TEXT] [--quick] [--full] [--json]`
 *
 * Builds the package as it is published, then runs each round of each suite in a fresh process of the chosen runtime.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from '../scripts/build.ts';
import { machine } from './harness/machine.ts';
import { type Report, reportOf, textOf } from './harness/report.ts';
import { runSuite } from './harness/run.ts';
import type { Runtime } from './harness/suite.ts';
import { suitesFor } from './suites/index.ts';

const ROOT = join(import.meta.dir, '..');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runtime: { type: 'string' },
    driver: { type: 'string' },
    rows: { type: 'string' },
    rounds: { type: 'string' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const ON_NODE = ['better-sqlite3', 'node:sqlite'];
const runtime: Runtime = values.runtime === 'node' || values.driver !== undefined ? 'node' : 'bun';
// The processes of the suites read it, and so does the package.
const driver = runtime === 'bun' ? 'bun:sqlite' : (values.driver ?? 'better-sqlite3');
if (runtime === 'node') process.env.DORK_DB_DRIVER = driver;
const suites = suitesFor(runtime, { quick: values.quick, full: values.full });
const names = [...new Set(suites.map(({ name }) => name))];

function usage(message: string): never {
  console.error(`Error: ${message}\nTry: bun run bench [${names.join(' | ')}] [--runtime node]`);
  process.exit(2);
}

function wholeNumber(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) && value > 0 ? value : usage(`--${name} is not a whole number from 1.`);
}

if ((values.runtime ?? runtime) !== runtime) usage('--runtime is bun or node, and --driver one of Node.');
if (runtime === 'node' && !ON_NODE.includes(driver)) usage(`--driver is ${ON_NODE.join(' or ')}.`);
const chosen = positionals.length === 0 ? suites : suites.filter(({ name }) => positionals.includes(name));
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) usage(`There is no suite ${unknown.join(', ')}.`);
const rows = wholeNumber(values.rows, 'rows');
const rounds = wholeNumber(values.rounds, 'rounds');

// Inside the project, so that the driver is found; its name is one that git ignores.
const built = mkdtempSync(join(ROOT, '.dist-bench-'));
const reports: Report[] = [];
try {
  await bundle('node', built);
  await bundle('bun', join(built, 'bun'));
  const entry = runtime === 'bun' ? join(built, 'bun', 'index.js') : join(built, 'node.js');
  const about = machine(runtime);
  if (!values.json) console.log(`${about}; ${driver}`);
  for (const suite of chosen) {
    const folder = mkdtempSync(join(tmpdir(), `dorkos-db-bench-${suite.name}-`));
    try {
      const options = {
        folder,
        entry,
        rows: suite.rows === undefined ? 0 : (rows ?? (values.quick ? 500 : suite.rows)),
        quick: values.quick,
        full: values.full,
        only: values.only,
      };
      const measured = await runSuite(suite, runtime, options, values.quick ? 1 : (rounds ?? suite.rounds));
      const report = reportOf(suite, runtime, options, measured);
      reports.push(report);
      if (!values.json) console.log(textOf(report));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  if (values.json) console.log(JSON.stringify({ machine: about, driver, reports }, null, 2));
} finally {
  rmSync(built, { recursive: true, force: true });
}
