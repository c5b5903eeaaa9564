import Table from 'cli-table3';
import colors from 'picocolors';
import { DorkDbError } from '../errors.ts';
import { messageOf } from '../realm.ts';

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

/** A table without borders; numbers stand to the right. */
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
  return table.toString();
}

/** What a command found out, for people and for programs. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** Says what went wrong and what to do; with `json` as an object of the same fields. */
export function printError(error: unknown, json: boolean): void {
  const { message, hint } = describe(error);
  if (json) printJson({ error: describe(error) });
  else process.stderr.write(`${colors.red('Error:')} ${message}\n${colors.bold('Try:')} ${hint}\n`);
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
