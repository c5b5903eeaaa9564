import { stripVTControlCharacters } from 'node:util';

/** Returns the number of columns that a text fills; colors fill none. */
export function columnsOf(text: string): number {
  return stripVTControlCharacters(text).length;
}

/**
 * Breaks lines at blanks so that they fit a terminal. Words stay whole, e.g. paths. The next line begins below the text:
 * under the first word, or after a label that ends with two blanks. A command to type is broken as a shell reads it, so
 * that it can be copied.
 */
export function wrapped(text: string, width: number): string {
  return text
    .split('\n')
    .flatMap((line) => wrapLine(line, width))
    .join('\n');
}

function wrapLine(line: string, width: number): string[] {
  if (columnsOf(line) <= width) return [line];
  const typed = commandIn(line);
  if (typed) return brokenCommand(line, typed, width);
  const [label = ''] = /^\s*(?:\S{1,12}\s{2,}|[✓i▲✕] )?(?:Try: )?/.exec(stripVTControlCharacters(line)) ?? [];
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

/** Shell words: a quoted text is a part of one, with its blanks. */
const SHELL_WORDS = /(?:'[^']*'|[^\s'])+/g;

/** Returns the words of the command that is all of a line but its label; undefined for a sentence. */
function commandIn(line: string): readonly string[] | undefined {
  const text = stripVTControlCharacters(line).replace(/^\s*(?:[A-Z][a-z ]*: )?/, '');
  const words = text.match(SHELL_WORDS) ?? [];
  const isSentence = words.some((word) => /[.,;:…]$|^\(|\)$/.test(word)) || /\S\s{2,}\S/.test(text);
  return !isSentence && words.some((word) => /^(-|'|>$)/.test(word)) ? words : undefined;
}

/** Returns true for a command to type, without a word around it. */
export function isCommand(text: string): boolean {
  return commandIn(text) !== undefined;
}

/** Breaks a command with backslashes. The value of an option stays on its line. */
function brokenCommand(line: string, words: readonly string[], width: number): string[] {
  const [first = ''] = words;
  const lines: string[] = [];
  let current = line.slice(0, line.indexOf(first)) + first;
  for (const part of withValues(words.slice(1))) {
    if (columnsOf(current) + part.length + 3 > width) {
      lines.push(`${current} \\`);
      current = `    ${part}`;
    } else current += ` ${part}`;
  }
  return [...lines, current];
}

function withValues(words: readonly string[]): string[] {
  const parts: string[] = [];
  for (const [i, word] of words.entries()) {
    const isValue = !word.startsWith('-') && /^(-|>$)/.test(words[i - 1] ?? '');
    if (isValue) parts.push(`${parts.pop()} ${word}`);
    else parts.push(word);
  }
  return parts;
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
