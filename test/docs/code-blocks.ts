import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A fenced block of code in a Markdown file or a doc comment. */
export interface CodeBlock {
  /** From the project's folder, as `docs/server.md`. */
  readonly file: string;
  /** Of the fence, from 1. */
  readonly line: number;
  /** The first word behind the fence, as `ts`. */
  readonly language: string;
  /** The words behind it, as `bun` or `from=examples/bun-server/main.ts`. */
  readonly words: readonly string[];
  readonly code: string;
}

const FENCE = /^(\s*(?:\* ?)?)```(.*)$/;

/** Every fenced block of a text; in a doc comment without the stars before its lines. */
export function codeBlocks(file: string, text: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { line: number; margin: number; info: string; lines: string[] } | undefined;
  for (const [i, line] of text.split('\n').entries()) {
    const fence = FENCE.exec(line);
    if (!fence) open?.lines.push(line.slice(open.margin));
    else if (!open) open = { line: i + 1, margin: fence[1]?.length ?? 0, info: fence[2] ?? '', lines: [] };
    else {
      const [language = '', ...words] = open.info.trim().split(/\s+/);
      blocks.push({ file, line: open.line, language, words, code: `${open.lines.join('\n')}\n` });
      open = undefined;
    }
  }
  if (open) throw new Error(`${file}:${open.line} opens a block that nothing closes`);
  return blocks;
}

/** The blocks of every file with an extension below some paths, which are folders or files. */
export function blocksBelow(root: string, paths: readonly string[], extension: string): CodeBlock[] {
  return paths
    .flatMap((path) =>
      path.endsWith(extension)
        ? [path]
        : readdirSync(join(root, path), { recursive: true, encoding: 'utf8' })
            .filter((name) => name.endsWith(extension))
            .map((name) => join(path, name))
            .sort(),
    )
    .flatMap((file) => codeBlocks(file, readFileSync(join(root, file), 'utf8')));
}
