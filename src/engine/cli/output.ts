import Table from 'cli-table3';
import colors from 'picocolors';
import { DorkDbError } from '../errors.ts';
import { messageOf } from '../realm.ts';
import { fitted } from './wrap.ts';

/** `12 ms`, `1.5 s`, `3 min 20 s`. */
export function formatDuration(milliseconds: number): string {
  if (Math.round(milliseconds) < 1000) return `${Math.round(milliseconds)} ms`;
  const tenths = Math.round(milliseconds / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** `12,345`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** `1 migration`, `2 migrations`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Returns a table without borders, with numbers aligned to the right. */
export function formatTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const isNumber = head.map((_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === 'number'));
  const table = new Table({
    head: head.map((name) => colors.dim(name)),
    colAligns: isNumber.map((is) => (is ? 'right' : 'left')),
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '  ',
    },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  table.push(...rows.map((row) => row.map((cell) => (typeof cell === 'number' ? formatCount(cell) : cell))));
  return table.toString().replaceAll(/ +$/gm, '');
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `3 days`, `5 hours`, `2 minutes`: the largest unit that is full. */
export function formatAge(ageMs: number): string {
  if (ageMs >= DAY_MS) return plural(Math.floor(ageMs / DAY_MS), 'day');
  if (ageMs >= HOUR_MS) return plural(Math.floor(ageMs / HOUR_MS), 'hour');
  return plural(Math.floor(ageMs / MINUTE_MS), 'minute');
}

/** The option of commands that print {@link formatRows}. */
export const ALL_TABLES = { '--all': 'list tables without rows too' };

/** Returns a table of row counts. Tables without rows are counted in one line unless all are wanted. */
export function formatRows(rows: Readonly<Record<string, number>>, all = false): string {
  const entries = Object.entries(rows);
  const shown = entries.filter(([, count]) => all || count > 0);
  const empty = entries.length - shown.length;
  return [
    ...(shown.length > 0 ? [formatTable(['table', 'rows'], shown)] : []),
    ...(empty > 0 ? [`${plural(empty, 'table')} without rows (--all lists them).`] : []),
  ].join('\n');
}

/** Returns a text that ends with its first paragraph, the verdict, if a terminal is too short to still show it. */
export function withVerdictLast(text: string): string {
  const { isTTY, rows } = process.stdout;
  if (!isTTY || fitted(text, process.stdout).split('\n').length < rows) return text;
  return `${text}\n\n${text.split('\n\n', 1)[0]}`;
}

/** Prints a text that is read by a program, e.g. a shell: its lines stay as they are. */
export function printRaw(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Prints the result of a command; on a terminal, lines are broken at blanks to fit it. */
export function print(text: string): void {
  printRaw(fitted(text, process.stdout));
}

export function printJson(value: unknown): void {
  printRaw(JSON.stringify(value, null, 2));
}

/** Prints an error and its hint; with `json` as an object with the same fields. */
export function printError(error: unknown, json: boolean): void {
  if (json) printJson({ error: describe(error) });
  else process.stderr.write(`${fitted(messageAndHint(error).join('\n'), process.stderr)}\n`);
}

/** Returns what went wrong and what to do, a line each. */
export function messageAndHint(error: unknown): string[] {
  const { message, hint } = describe(error);
  return [`${colors.red('Error:')} ${message}`, `${colors.bold('Try:')} ${hint}`];
}

function describe(error: unknown): ReturnType<DorkDbError['toJSON']> {
  if (error instanceof DorkDbError) return error.toJSON();
  const message = messageOf(error);
  return {
    name: 'Error',
    code: 'UNEXPECTED',
    message,
    hint: 'Run it again with --json, and report what it prints.',
    retryable: false,
  };
}
