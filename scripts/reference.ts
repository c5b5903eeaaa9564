/** bun run reference [FOLDER]: writes the reference of every public name, from the doc comments, as Markdown. */
import { join, resolve } from 'node:path';
import {
  Application,
  Comment,
  CommentTag,
  ConsoleLogger,
  type Context,
  Converter,
  type DeclarationReflection,
  LogLevel,
  type ProjectReflection,
} from 'typedoc';
import { topicOf } from './topics.ts';

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

/** Sorts the names by topic, from the place of their source. */
function sortByTopic({ project }: Context): void {
  for (const name of project.children ?? []) {
    const file = project.getSymbolIdFromReflection(name)?.packagePath ?? '';
    commentOf(name).blockTags.push(new CommentTag('@category', [{ kind: 'text', text: topicOf(name.name, file) }]));
  }
}

function commentOf(name: DeclarationReflection): Comment {
  const own = name.signatures?.[0] ?? name;
  own.comment ??= new Comment();
  return own.comment;
}

/** Reads the doc comments and writes the Markdown into a folder. */
export async function writeReference(out: string): Promise<Reference> {
  const app = await Application.bootstrapWithPlugins({ options: join(root, 'typedoc.json'), out: resolve(out) });
  const collector = new Collector();
  app.logger = collector;
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, sortByTopic);
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
