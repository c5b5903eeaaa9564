import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import { journalEntries } from './folder.ts';
import type { Problem } from './problem.ts';

/** Says that there is nothing to generate; everything else without a new file is a refusal, whatever the exit code. */
const NOTHING = 'No schema changes, nothing to migrate';

export interface GenerateOptions {
  /** The project's folder. */
  readonly root: string;
  /** The migration folder to write into. */
  readonly out: string;
  readonly name: string;
  /** True for an empty migration, to be filled by hand. */
  readonly custom?: boolean;
  /** True to let drizzle-kit ask on this terminal, as it does about what may be a rename. */
  readonly isInteractive: boolean;
}

/** What a run of drizzle-kit came to. It exits with 0 also where it did not work, so only its traces count. */
export interface Generated {
  /** The new entry's tag. */
  readonly tag?: string;
  readonly output: string;
}

/** Runs `drizzle-kit generate`. https://orm.drizzle.team/docs/drizzle-kit-generate */
export function drizzleKitGenerate({ root, out, name, custom, isInteractive }: GenerateOptions): Generated {
  const before = journalEntries(out).length;
  // Absolute paths come out as `.//tmp/x` in it.
  const args = ['generate', '--dialect', 'sqlite', '--schema', './src/dork/schema.ts', '--out', relative(root, out)];
  const bin = join(root, 'node_modules', '.bin');
  const child = spawnSync(join(bin, 'drizzle-kit'), [...args, '--name', name, ...(custom ? ['--custom'] : [])], {
    cwd: root,
    encoding: 'utf8',
    stdio: isInteractive ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` },
  });
  const tag = journalEntries(out)[before]?.tag;
  const output = `${child.stdout ?? ''}${child.stderr ?? ''}${child.error?.message ?? ''}`;
  return { ...(tag !== undefined && { tag }), output };
}

/** Generates into a copy of the folder: a new file there is a change of the schema that the folder lacks. */
export function problemsOfSchema(root: string, folder: string): Problem[] {
  const copy = mkdtempSync(join(tmpdir(), 'dorkos-db-check-'));
  try {
    cpSync(folder, copy, { recursive: true });
    const { tag, output } = drizzleKitGenerate({ root, out: copy, name: 'check', isInteractive: false });
    if (tag !== undefined) {
      const sql = readFileSync(join(copy, `${tag}.sql`), 'utf8');
      return [
        {
          message: `The schema has changes that drizzle/ lacks:\n${sql.replace(/^/gm, '  ')}`,
          hint: 'bun run generate NAME',
        },
      ];
    }
    if (output.includes(NOTHING)) return [];
    return [
      {
        message: `drizzle-kit could not compare the schema with drizzle/:\n${output.trim().slice(0, 2000)}`,
        hint: 'Where it asks about a rename: bun run generate NAME, in a terminal.',
      },
    ];
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
