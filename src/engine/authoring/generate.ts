import { drizzleKitGenerate } from './drizzle-kit.ts';
import { embed } from './embed.ts';
import type { Problem } from './problem.ts';
import { historyOf, type Project, shown } from './project.ts';
import { trapsOf } from './traps.ts';

/** The result of generating a migration. */
export interface GeneratedMigration {
  /** The tag; undefined if drizzle-kit created no migration. */
  readonly tag?: string;
  /** True if the module that embeds the migrations has it. */
  readonly isEmbedded: boolean;
  readonly problems: readonly Problem[];
  /** The output of drizzle-kit, unless it asked on the terminal. */
  readonly output: string;
}

/**
 * Generates a migration from the changes of the schema, checks its SQL, and embeds it.
 *
 * @param custom True for an empty migration, whose SQL is written by hand.
 */
export function generate(
  project: Project,
  name: string,
  { custom = false, isEmbedding }: { readonly custom?: boolean; readonly isEmbedding: boolean },
): GeneratedMigration {
  const { folder, commands } = project;
  const isInteractive = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const { tag, output } = drizzleKitGenerate(project, { out: folder, name, custom, isInteractive });
  if (tag === undefined) {
    const hint = `Change the schema first; if drizzle-kit asks about a rename, run this in a terminal.`;
    const message = 'drizzle-kit created no migration; nothing was changed.';
    return { isEmbedded: false, problems: [{ message, hint }], output };
  }
  const [empty, ...others] = project.empties();
  for (const other of others) other.close();
  if (custom || !empty) return { tag, isEmbedded: false, problems: [], output };
  using _ = empty;
  const history = historyOf(project);
  const traps = trapsOf(empty, history, history.migrations.length - 1);
  const problems = traps.map(({ message, hint }) => ({ message, hint: `${hint} Then: ${commands.embed}` }));
  const isEmbedded = problems.length === 0 && isEmbedding;
  if (isEmbedded) embed(project);
  return { tag, isEmbedded, problems, output };
}

/** Returns the next step for a new migration, in a sentence. */
export function afterGenerate({ root, folder, commands }: Project, made: GeneratedMigration, custom: boolean): string {
  const file = `${shown(root, folder)}/${made.tag}.sql`;
  if (custom) return `Write the SQL into ${file}, then: ${commands.embed}`;
  if (made.problems.length > 0) return `${file} was created but not embedded: correct it first.`;
  return `${file} was created${made.isEmbedded ? ' and embedded' : ''}. Read its SQL; check and your tests try it.`;
}
