import type { Prose } from './english.ts';

/** A paragraph, a list item, a heading or a cell while its lines are read. */
interface Block {
  readonly kind: Prose['kind'];
  readonly line: number;
  readonly lines: string[];
}

/**
 * Returns the prose of a Markdown document, in order: paragraphs, list items, headings, and the cells of tables. Code blocks
 * and tables of figures are left out; code in backquotes and addresses are replaced by a placeholder.
 */
export function proseOfMarkdown(text: string): Prose[] {
  const blocks: Block[] = [];
  let table: Block[][] = [];
  let current: Block | undefined;
  let isCode = false;
  const endTable = () => {
    if (!isOfFigures(table)) blocks.push(...table.flat());
    table = [];
  };
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim().replace(/^> ?/, '');
    if (line.startsWith('```')) isCode = !isCode;
    const isRow = !isCode && line.startsWith('|');
    if (!isRow) endTable();
    if (isRow) table.push(cellsOf(line, i + 1));
    if (isRow || isCode || line === '' || line.startsWith('```')) {
      current = undefined;
      continue;
    }
    const heading = /^#+ /.test(line);
    const item = /^([-*]|\d+\.) /.test(line);
    if (!current || heading || item) {
      current = { kind: heading ? 'label' : 'paragraph', line: i + 1, lines: [] };
      blocks.push(current);
    }
    current.lines.push(plain(line.replace(/^(#+|[-*]|\d+\.) /, '')));
    if (heading) current = undefined;
  }
  endTable();
  return blocks;
}

/** The cells of a row; none of the line between a table's head and its body. */
function cellsOf(row: string, line: number): Block[] {
  if (/^[|\s:-]+$/.test(row)) return [];
  const cells = plain(row.replace(/\\\|/g, ' ')).split('|').slice(1, -1);
  return cells.map((cell) => ({ kind: 'label', line, lines: [cell.trim()] }));
}

/** True if at least half of the cells after the first column are numbers, or empty. */
function isOfFigures(table: readonly Block[][]): boolean {
  const cells = table.slice(1).flatMap((row) => row.slice(1));
  const figures = cells.filter(({ lines: [cell] }) => /^([-–~×]?\s*\d|-?$)/.test(cell ?? ''));
  return cells.length > 0 && figures.length * 2 >= cells.length;
}

function plain(line: string): string {
  return line
    .replace(/`[^`]*`/g, '`x`')
    .replace(/<!--.*?-->/g, '')
    .replace(/\]\([^)]*\)/g, ']')
    .replace(/https?:\S+/g, '')
    .replace(/[[\]]|\*\*/g, '');
}
