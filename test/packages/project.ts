import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BUN, NODE, ROOT } from '../support/runtime.ts';

/** The packed package and a folder for the projects that install it. */
export interface Packed {
  readonly tarball: string;
  readonly folder: string;
}

/** A folder for the PATH with nothing in it but Node and, unless it is to be missing, Bun. */
export function runtimesIn(folder: string, names: readonly ('node' | 'bun')[] = ['node', 'bun']): string {
  mkdirSync(folder, { recursive: true });
  for (const name of names) symlinkSync(name === 'node' ? realpathSync(NODE) : BUN, join(folder, name));
  return folder;
}

/** Commands find the runtimes of the tests first; package managers keep what they fetch in the folder. */
function environment({ folder }: Packed): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return {
    ...env,
    PATH: `${join(folder, 'bin')}:${env.PATH}`,
    NO_COLOR: '1',
    FORCE_COLOR: undefined,
    DORK_HOME: join(folder, 'home'),
    YARN_CACHE_FOLDER: join(folder, 'yarn-cache'),
    YARN_GLOBAL_FOLDER: join(folder, 'yarn'),
    YARN_ENABLE_TELEMETRY: '0',
    YARN_ENABLE_IMMUTABLE_INSTALLS: '0',
  };
}

/** A project of its own that installs the package. */
export class Project {
  readonly path: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(packed: Packed, name: string, manifest: object) {
    this.path = join(packed.folder, name);
    this.#env = environment(packed);
    mkdirSync(this.path, { recursive: true });
    this.write('package.json', JSON.stringify({ private: true, type: 'module', ...manifest }, null, 2));
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(join(this.path, name)), { recursive: true });
    writeFileSync(join(this.path, name), text);
  }

  /** Copies a file of test/packages/fixtures. */
  take(fixture: string, name = fixture): void {
    cpSync(join(ROOT, 'test', 'packages', 'fixtures', fixture), join(this.path, name));
  }

  /** Runs a command line and returns what it printed. @throws Error with its output if it fails. */
  run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string {
    const { status, stdout, stderr, error } = this.try(command, args, env);
    if (status === 0) return stdout;
    throw new Error(`${command} ${args.join(' ')}: ${error ?? status}\n${shortened(`${stdout}${stderr}`)}`);
  }

  try(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    return spawnSync(command, args, {
      cwd: this.path,
      env: { ...this.#env, ...env },
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    });
  }
}

function shortened(text: string): string {
  const lines = text.trim().split('\n');
  return lines.length <= 30 ? lines.join('\n') : [...lines.slice(0, 10), '…', ...lines.slice(-20)].join('\n');
}

/** Packs the project as a person does who has npm alone, and returns the path of the file. */
export function pack(root: string, folder: string): string {
  const system = (process.env.PATH ?? '').split(':').filter((path) => !existsSync(join(path, 'bun')));
  const { status, stdout, stderr } = spawnSync('npm', ['pack', '--pack-destination', folder], {
    cwd: root,
    env: { ...process.env, PATH: [runtimesIn(join(folder, 'without-bun'), ['node']), ...system].join(':') },
    encoding: 'utf8',
  });
  const name = readdirSync(folder).find((each) => each.endsWith('.tgz'));
  if (status !== 0 || !name) throw new Error(`npm pack: ${stdout}${stderr}`);
  return join(folder, name);
}
