import { stripVTControlCharacters } from 'node:util';

/** Returns the number of columns that a text fills; colors fill none. */
export function columnsOf(text: string): number {
  return stripVTControlCharacters(text).length;
}

/**
 * Breaks lines at blanks so that they fit a terminal. Words stay whole, e.g. paths. The next line begins below the text:
 * under the first word, or after a label that ends with two blanks.
 */
export function wrapped(text: string, width: number): string {
  return text
    .split('\n')
    .flatMap((line) => wrapLine(line, width))
    .join('\n');
}

function wrapLine(line: string, width: number): string[] {
  if (columnsOf(line) <= width) return [line];
  const [label = ''] = /^\s*(?:\S{1,12}\s{2,})?(?:Try: )?/.exec(stripVTControlCharacters(line)) ?? [];
  const indent = ' '.repeat(Math.min(label.length, Math.floor(width / 2)));
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(/(?<=\S) (?=\S)/)) {
    const next = current === '' ? word : `${current} ${word}`;
    if (current !== '' && columnsOf(next) > width) {
      lines.push(current);
      current = indent + word;
    } else current = next;
  }
  return [...lines, current];
}

/** Returns the width of a terminal; undefined if a program reads the output. */
export function widthOf(stream: NodeJS.WriteStream): number | undefined {
  return stream.isTTY && stream.columns > 0 ? Math.max(stream.columns, 40) : undefined;
}

/** Returns a text as it is printed to a stream. */
export function fitted(text: string, stream: NodeJS.WriteStream): string {
  const width = widthOf(stream);
  return width === undefined ? text : wrapped(text, width);
}
