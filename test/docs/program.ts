import * as publicNames from '#entry';
import type { CodeBlock } from './code-blocks.ts';

const NAMES = Object.keys(publicNames);

/** The runtimes that a block of TypeScript names; both where it names none. */
export function runtimesOf({ words }: CodeBlock): ('bun' | 'node')[] {
  const named = (['bun', 'node'] as const).filter((runtime) => words.includes(runtime));
  return named.length > 0 ? named : ['bun', 'node'];
}

/** The text of the file that a block quotes, where it does. */
export function quotedFile({ words }: CodeBlock): string | undefined {
  return words.find((word) => word.startsWith('from='))?.slice('from='.length);
}

/** The name of the file that a block is, in a walk through a document. */
export function fileOf({ words }: CodeBlock): string | undefined {
  return words.find((word) => word.startsWith('file='))?.slice('file='.length);
}

/**
 * The program of a block. One in a doc comment is shown where its names are plain: it gets an open `db` where it opens
 * none, and imports of the public names it uses.
 */
export function programOf({ file, code }: CodeBlock): string {
  if (!file.endsWith('.ts')) return code;
  const opensNone = !/\bdb = createDb\(/.test(code);
  const text = opensNone ? `using db = createDb();\n${code}` : code;
  const used = NAMES.filter((name) => new RegExp(`(?<![\\w.$'])${name}\\b(?!:)`).test(text));
  return `import { ${used.join(', ')} } from '@dorkos/db';\n${text}`;
}
