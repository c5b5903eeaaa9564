import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';
import colors from 'picocolors';
import type { Schema } from '../../connection/db.ts';
import type { Block } from '../../console/blocks.ts';
import { failureOf } from '../../console/failure.ts';
import type { ReadMetrics } from '../../console/metrics.ts';
import { Source } from '../../console/source.ts';
import { blocksAsText } from '../../console/text.ts';
import { nowView } from '../../console/views/now.ts';
import { realFile } from '../../file/file.ts';
import { isThere } from '../../file/fs.ts';
import type { Call, Command } from '../command.ts';
import { formatTable, plural } from '../output.ts';
import { removeSidecars } from '../sidecars.ts';
import { columnsOf, wrapped } from '../wrap.ts';
import { METRICS } from './console.ts';

interface Options {
  readonly once?: boolean;
  readonly metrics?: ReadMetrics;
}

const EVERY_MS = 2000;

/** A single look has no next one that shows a late answer. */
const ONCE_MS = 2500;

const PAINT = { ok: colors.green, info: colors.cyan, warning: colors.yellow, error: colors.red };

export const top: Command = {
  name: 'top',
  description: 'show the state of the file and its activity every two seconds; only reads',
  group: 'Look',
  options: {
    '--metrics <address>': METRICS,
    '--once': 'print once; also with --json, and if the output is not a terminal',
  },
  help: 'The first view of {command} console, for a terminal. Ctrl-C ends it.',
  examples: ['top', 'top --once', 'top --json'],
  run: runTop,
};

async function runTop(call: Call<Schema, Options>): Promise<void> {
  const { kit } = call;
  const filename = realFile(call.existingFile());
  const wasClosed = !isThere(`${filename}-wal`);
  const isOnce = call.json || call.options.once || !process.stdout.isTTY;
  const view = nowView(call.options.metrics, isOnce ? ONCE_MS : undefined);
  {
    using source = new Source(kit, filename);
    const read = async () => view.read({ db: source.open(), kit, filename, params: {} });
    if (call.json) call.print(await read(), '');
    else if (isOnce) call.print(undefined, asText(filename, await read(), process.stdout.columns));
    else await show(filename, () => read().catch((error) => [unread(source, error, filename)]));
  }
  if (wasClosed) removeSidecars(kit, filename);
}

/** By the next look there may be another file, or no lock. */
function unread(source: Source, error: unknown, filename: string): Block {
  source.close();
  return failureOf(error, filename);
}

function asText(filename: string, blocks: readonly Block[], width?: number): string {
  const text = blocksAsText(blocks, (tone, mark) => PAINT[tone](mark), formatTable, width);
  return `${filename}\n\n${text}`;
}

/** Returns what fits into a window: lines of a table are cut, and all others are broken at blanks. */
function inWindow(filename: string, blocks: readonly Block[], width: number, height: number): string[] {
  const lines = [[filename], ...blocks.map((block) => fittedBlock(block, width))]
    .filter((each) => each.length > 0)
    .flatMap((each, i) => (i === 0 ? each : ['', ...each]))
    .map((line) => (columnsOf(line) > width ? `${stripVTControlCharacters(line).slice(0, width - 1)}…` : line));
  if (lines.length <= height) return lines;
  const shown = lines.slice(0, height - 1);
  return [...shown, colors.dim(`… ${plural(lines.length - shown.length, 'more line')}`)];
}

function fittedBlock(block: Block, width: number): string[] {
  const text = blocksAsText([block], (tone, mark) => PAINT[tone](mark), formatTable, width);
  if (text === '') return [];
  return (block.kind === 'table' ? text : wrapped(text, width)).split('\n');
}

/** Draws over what it drew before, on the terminal's other screen, until Ctrl-C. */
async function show(filename: string, read: () => Promise<readonly Block[]>): Promise<void> {
  const ending = new AbortController();
  const { signal } = ending;
  const ended = Promise.race((['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => once(process, name, { signal })));
  const { stdout } = process;
  let isOver = false;
  // Nobody waits for a signal any more once it is over.
  const over = ended
    .catch(() => {})
    .then(() => {
      isOver = true;
    });
  stdout.write('\u001B[?1049h\u001B[?25l');
  try {
    while (!isOver) {
      const shown = inWindow(filename, await read(), stdout.columns || 80, (stdout.rows || 24) - 1);
      // Each line is drawn over the one before it: an empty screen in between would flicker.
      stdout.write(`\u001B[H${shown.map((line) => `${line}\u001B[K\n`).join('')}\u001B[J`);
      await Promise.race([over, new Promise((resolve) => setTimeout(resolve, EVERY_MS))]);
    }
  } finally {
    ending.abort();
    stdout.write('\u001B[?25h\u001B[?1049l');
  }
}
