/** bun run reference [FOLDER]: writes the reference of every public name, from the doc comments, as Markdown. */
import { join, resolve } from 'node:path';
import { Application, ConsoleLogger, LogLevel, type ProjectReflection } from 'typedoc';

const root = join(import.meta.dirname, '..');

/** What the doc comments came to. */
export interface Reference {
  readonly project: ProjectReflection;
  /** What TypeDoc complained of, as links that lead nowhere. */
  readonly warnings: readonly string[];
}

class Collector extends ConsoleLogger {
  readonly warnings: string[] = [];

  override addContext(...[message, level]: Parameters<ConsoleLogger['addContext']>): string {
    if (level >= LogLevel.Warn) this.warnings.push(message);
    return message;
  }
}

/** Reads the doc comments and writes the Markdown into a folder. */
export async function writeReference(out: string): Promise<Reference> {
  const app = await Application.bootstrapWithPlugins({ options: join(root, 'typedoc.json'), out: resolve(out) });
  const collector = new Collector();
  app.logger = collector;
  const project = await app.convert();
  if (!project) throw new Error(`The reference could not be made: ${collector.warnings.join(', ')}`);
  app.validate(project);
  await app.generateOutputs(project);
  return { project, warnings: collector.warnings };
}

if (import.meta.main) {
  const out = process.argv[2] ?? join(root, 'docs', 'api');
  const { warnings } = await writeReference(out);
  console.log(`The reference is in ${out}`);
  process.exitCode = warnings.length > 0 ? 1 : 0;
}
