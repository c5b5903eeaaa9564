/** The test files of docs/testing.md with vitest and jest, as the document says that they are written for these. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { blocksBelow } from '../docs/code-blocks.ts';
import { fileOf } from '../docs/program.ts';
import { ROOT } from '../support/runtime.ts';
import { type Packed, Project } from './project.ts';
import type { Report } from './report.ts';

const DOCUMENT = 'docs/testing.md';

interface Runner {
  readonly name: string;
  /** Where `test` and `expect` are from. */
  readonly from: string;
  /** The object with its clock. */
  readonly clock: string;
  readonly command: readonly string[];
}

const RUNNERS: readonly Runner[] = [
  {
    name: 'vitest',
    from: 'vitest',
    clock: 'vi',
    command: ['node', 'node_modules/vitest/vitest.mjs', 'run', '--globals=false'],
  },
  {
    name: 'jest',
    from: '@jest/globals',
    clock: 'jest',
    command: ['node', '--experimental-vm-modules', 'node_modules/.bin/jest'],
  },
];

export async function checkRunners(report: Report, packed: Packed): Promise<void> {
  for (const runner of RUNNERS) await report.check(`${runner.name}, ${DOCUMENT}`, () => tests(packed, runner));
}

function tests(packed: Packed, runner: Runner): string {
  const project = new Project(packed, runner.name, {});
  project.run('npm', ['install', packed.tarball, runner.name]);
  const blocks = blocksBelow(ROOT, [DOCUMENT], '.md').filter((block) => fileOf(block) !== undefined);
  for (const block of blocks) {
    const name = (fileOf(block) as string).replace('.ts', '.js');
    project.write(name, plain(translated(block.code, runner)));
  }
  const [command = '', ...args] = runner.command;
  const { status, stdout, stderr } = project.try(command, args);
  const output = stdout + stderr;
  if (status !== 0) throw new Error(output);
  const passed = /Tests:?\s+(\d+) passed/.exec(output)?.[1];
  const written = blocks.reduce((sum, { code }) => sum + (code.match(/^test\(/gm)?.length ?? 0), 0);
  if (Number(passed) !== written) throw new Error(`${passed} of ${written} tests: ${output}`);
  const { version } = JSON.parse(readFileSync(join(project.path, 'node_modules', runner.name, 'package.json'), 'utf8'));
  return `${version}: ${passed} tests`;
}

/** The clock of a runner, from the table of the document. */
function clockOf(name: string): string {
  const text = readFileSync(join(ROOT, DOCUMENT), 'utf8');
  const found = new RegExp(`^\\| ${name} \\| \`(.+)\` \\|$`, 'm').exec(text)?.[1];
  if (!found) throw new Error(`${DOCUMENT} has no clock for ${name}`);
  return found;
}

/** What the document says of other runners: another import, and another call for the clock. */
function translated(code: string, { name, from, clock }: Runner): string {
  return code
    .replace(
      /import \{ (.+) \} from 'bun:test'/,
      (_, names: string) => `import { ${names.replace('setSystemTime', clock)} } from '${from}'`,
    )
    .replace("import { after, test } from 'node:test'", `import { afterAll as after, test } from '${from}'`)
    .replaceAll(
      /setSystemTime\((new Date\(.+\))\);/g,
      (_, date: string) => `const date = ${date};\n  ${clockOf(name)};`,
    )
    .replaceAll('setSystemTime();', `${clock}.useRealTimers();`);
}

/** Without types: neither runner needs a plugin then. */
function plain(code: string): string {
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  return outputText;
}
