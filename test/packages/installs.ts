/** Each package manager installs the package; then it runs on both runtimes, and so does its command. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Packed, Project } from './project.ts';
import type { Report } from './report.ts';

interface Manager {
  readonly name: string;
  readonly command: string;
  /** The words before those of the package manager, e.g. for npx. */
  readonly before?: readonly string[];
  readonly add: (tarball: string) => readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  /** True if there is no node_modules, so that its own `node` runs the program. Bun does not read such a project. */
  readonly isPlugAndPlay?: boolean;
}

const npx = (name: string): Pick<Manager, 'command' | 'before'> => ({ command: 'npx', before: ['-y', name] });

/** Yarn 2 and newer reads no npmrc. */
function yarnrc(packed: Packed, linker: string): string {
  const { path } = new Project(packed, 'yarnrc', {});
  const settings = new Project(packed, 'yarnrc', {});
  const get = (key: string) => settings.run('npm', ['config', 'get', key]).trim();
  const cafile = get('cafile');
  return [
    `nodeLinker: ${linker}`,
    `npmRegistryServer: "${get('registry')}"`,
    `cacheFolder: "${join(path, '..', 'berry-cache')}"`,
    'enableTelemetry: false',
    ...(cafile === 'null' || cafile === '' ? [] : [`httpsCaFilePath: "${cafile}"`]),
    '',
  ].join('\n');
}

function managers(packed: Packed): Manager[] {
  const berry = { command: 'npx', before: ['-y', '-p', '@yarnpkg/cli-dist', 'yarn'] };
  const add = (tarball: string) => ['add', `@dorkos/db@file:${tarball}`];
  return [
    { name: 'npm', command: 'npm', add: (tarball) => ['install', tarball] },
    { name: 'bun', command: 'bun', add: (tarball) => ['add', tarball] },
    { name: 'pnpm', ...npx('pnpm'), add: (tarball) => ['add', tarball] },
    { name: 'yarn 1', ...npx('yarn@1'), add },
    {
      name: 'yarn, node-modules',
      ...berry,
      add,
      files: { '.yarnrc.yml': yarnrc(packed, 'node-modules'), 'yarn.lock': '' },
    },
    {
      name: 'yarn, pnp',
      ...berry,
      add,
      files: { '.yarnrc.yml': yarnrc(packed, 'pnp'), 'yarn.lock': '' },
      isPlugAndPlay: true,
    },
  ];
}

export async function checkInstalls(report: Report, packed: Packed): Promise<void> {
  for (const manager of managers(packed)) await report.check(manager.name, () => install(packed, manager));
  await report.check('npm, with better-sqlite3', () => {
    const project = new Project(packed, 'with-driver', {});
    const output = project.run('npm', ['install', packed.tarball, 'better-sqlite3@13']);
    assertQuiet(output);
    return `${runs(project, 'node')}, ${runs(project, 'npx', ['-y', 'node@22.15.0'])} on Node 22.15`;
  });
}

function install(packed: Packed, manager: Manager): string {
  const { command, before = [], isPlugAndPlay = false } = manager;
  const project = new Project(packed, manager.name.replaceAll(/\W+/g, '-'), {});
  for (const [name, text] of Object.entries(manager.files ?? {})) project.write(name, text);
  const version = project
    .run(command, [...before, '--version'])
    .trim()
    .split('\n')
    .at(-1);
  assertQuiet(project.run(command, [...before, ...manager.add(packed.tarball)]));
  if (isPlugAndPlay) {
    const driver = runs(project, command, [...before, 'node']);
    const status = project.run(command, [...before, 'dork-db', 'status', '--db', 'try.db']);
    if (!/pulse_schedules/.test(status)) throw new Error(status);
    return `${version}: ${driver}`;
  }
  const drivers = ['node', 'bun'].map((runtime) => runs(project, runtime));
  const bin = join(project.path, 'node_modules', '.bin', 'dork-db');
  for (const line of [[bin], ['node', bin], ['bun', bin]] as const) {
    // A package manager may make a shell script of it, which no runtime reads.
    const { status, stdout } = project.try(line[0], [...line.slice(1), 'status', '--db', 'try.db']);
    if (line.length === 1 && (status !== 0 || !/pulse_schedules/.test(stdout))) throw new Error(`dork-db: ${stdout}`);
  }
  const bytes = bytesBelow(join(project.path, 'node_modules'));
  return `${version}: ${drivers.join(', ')}; ${(bytes / 1e6).toFixed(1)} MB installed`;
}

/** Runs the program and returns its driver. */
function runs(project: Project, command: string, before: readonly string[] = []): string {
  project.take('program.mjs');
  const { driver, found } = JSON.parse(project.run(command, [...before, 'program.mjs', 'try.db']));
  if (found !== 'n') throw new Error(`${command} found ${found}`);
  return driver;
}

/** A warning that names this package or its peer is ours to mend. */
function assertQuiet(output: string): void {
  const lines = output
    .split('\n')
    .filter((line) => /warn/i.test(line) && /dorkos|better-sqlite3|drizzle|valibot/i.test(line));
  if (lines.length > 0) throw new Error(lines.join('\n'));
}

function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
