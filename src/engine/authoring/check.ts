import type { Connection } from '../connection/connection.ts';
import { InvalidInputError } from '../errors.ts';
import { drizzleKitBin, problemsOfSchema } from './drizzle-kit.ts';
import { problemsOfModule } from './embed.ts';
import { problemsOfFolder } from './folder.ts';
import { drizzleKitRandomNames } from './names.ts';
import type { Problem } from './problem.ts';
import { historyOf, type Project } from './project.ts';
import { problemsOfYield } from './snapshot.ts';
import { trapsOf } from './traps.ts';

/**
 * Returns the problems of a project: the schema, the migration folder, the embedding module and the order of the entries
 * must agree, and no entry may fail or lose something on a file with data.
 *
 * @param since The tag of the first migration whose SQL is checked. Default: the first of all.
 */
export async function problemsOf(project: Project, since?: string): Promise<Problem[]> {
  // In this order, because a problem of the folder makes the other checks fail too.
  for (const find of [
    () => problemsOfFolder(project.folder, project.commands.generate, namesFor(project)),
    () => problemsOfSql(project, since),
    () => problemsOfModule(project),
    () => problemsOfSchema(project),
  ]) {
    const problems = await find();
    if (problems.length > 0) return problems;
  }
  return [];
}

function namesFor({ root, checksNames }: Project) {
  return checksNames ? drizzleKitRandomNames(drizzleKitBin(root)) : undefined;
}

function problemsOfSql(project: Project, since: string | undefined): Problem[] {
  const history = historyOf(project);
  const first = since === undefined ? 0 : history.migrations.findIndex(({ tag }) => tag === since);
  if (first < 0) throw new InvalidInputError('--since', 'must be the tag of a migration of this folder');
  const problems = new Map<string, Problem>();
  const empties = project.empties();
  try {
    for (const empty of empties)
      for (const problem of problemsOn(empty, project, first)) problems.set(problem.message, problem);
  } finally {
    for (const empty of empties) empty.close();
  }
  return [...problems.values()];
}

function problemsOn(empty: Connection, project: Project, since: number): Problem[] {
  const history = historyOf(project);
  const traps = trapsOf(empty, history, since);
  return traps.length > 0 ? traps : problemsOfYield(empty, project.folder, history.migrations.length - 1);
}
