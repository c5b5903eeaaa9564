import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { InvalidInputError } from '../errors.ts';
import { isThere } from '../file/fs.ts';
import { codeOf } from '../realm.ts';
import { journalEntries } from './folder.ts';
import type { Problem } from './problem.ts';
import { type Project, shown } from './project.ts';

/** The output if there is nothing to generate. Any other output without a new file is a refusal, with any exit code. */
const NOTHING = 'No schema changes, nothing to migrate';

export interface GenerateOptions {
  /** The migration folder to write into. */
  readonly out: string;
  readonly name: string;
  /** True for an empty migration, to be filled by hand. */
  readonly custom?: boolean;
  /** True to let drizzle-kit ask on this terminal, e.g. whether a column was renamed. */
  readonly isInteractive: boolean;
}

/** The result of drizzle-kit, read from the files: its exit code is 0 also if it failed. */
export interface Generated {
  /** The new entry's tag. */
  readonly tag?: string;
  readonly output: string;
}

/**
 * Returns the program of the drizzle-kit that a project has installed.
 *
 * @throws InvalidInputError if it has none.
 */
export function drizzleKitBin(root: string): string {
  for (let folder = root; ; folder = dirname(folder)) {
    const bin = join(folder, 'node_modules', 'drizzle-kit', 'bin.cjs');
    if (isThere(bin)) return bin;
    if (folder === dirname(folder)) break;
  }
  throw new InvalidInputError('drizzle-kit', `must be installed in ${root}`, {
    hint: 'Install it as a development dependency, or run this in the folder with its node_modules.',
  });
}

/** Runs `drizzle-kit generate`. https://orm.drizzle.team/docs/drizzle-kit-generate */
export function drizzleKitGenerate(
  { root, config }: Pick<Project, 'root' | 'config'>,
  { out, name, custom, isInteractive }: GenerateOptions,
): Generated {
  const before = journalEntries(out).length;
  const temporary = mkdtempSync(join(tmpdir(), 'drizzle-config-'));
  try {
    const configFile = join(temporary, 'drizzle.config.json');
    // drizzle-kit turns an absolute `out` into `.//tmp/x`.
    writeFileSync(configFile, JSON.stringify({ ...config, dialect: 'sqlite', out: relative(root, out) }));
    const args = [drizzleKitBin(root), 'generate', `--config=${configFile}`, '--name', name];
    const run = (runtime: string) =>
      spawnSync(runtime, [...args, ...(custom ? ['--custom'] : [])], {
        cwd: root,
        encoding: 'utf8',
        stdio: isInteractive ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      });
    const first = run('node');
    const child = codeOf(first.error) === 'ENOENT' ? run(process.execPath) : first;
    const tag = journalEntries(out)[before]?.tag;
    const printed = `${child.stdout ?? ''}${child.stderr ?? ''}${child.error?.message ?? ''}`;
    const output = printed.replace(/^Reading config file .*\n/m, '');
    return { ...(tag !== undefined && { tag }), output };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Generates into a copy of the folder: a new file there contains changes of the schema that the folder lacks. */
export function problemsOfSchema(project: Project): Problem[] {
  const { root, folder, commands } = project;
  const copy = mkdtempSync(join(tmpdir(), 'drizzle-check-'));
  try {
    cpSync(folder, copy, { recursive: true });
    const { tag, output } = drizzleKitGenerate(project, { out: copy, name: 'check', isInteractive: false });
    const name = shown(root, folder);
    if (tag !== undefined) {
      const sql = readFileSync(join(copy, `${tag}.sql`), 'utf8');
      return [
        {
          message: `The schema has changes that ${name}/ lacks:\n${sql.replace(/^/gm, '  ')}`,
          hint: `${commands.generate} NAME`,
        },
      ];
    }
    if (output.includes(NOTHING)) return [];
    return [
      {
        message: `drizzle-kit could not compare the schema with ${name}/:\n${output.trim().slice(0, 2000)}`,
        hint: `If it asks about a rename: ${commands.generate} NAME, in a terminal.`,
      },
    ];
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
