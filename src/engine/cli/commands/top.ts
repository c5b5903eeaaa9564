import { once } from 'node:events';
import colors from 'picocolors';
import type { Schema } from '../../connection/db.ts';
import { Source } from '../../console/source.ts';
import { blocksAsText } from '../../console/text.ts';
import { nowView } from '../../console/views/now.ts';
import { realFile } from '../../file/file.ts';
import { isThere } from '../../file/fs.ts';
import type { Call, Command } from '../command.ts';
import { formatTable } from '../output.ts';
import { removeSidecars } from '../sidecars.ts';

interface Options {
  readonly once?: boolean;
}

const EVERY_MS = 2000;

const PAINT = { ok: colors.green, info: colors.cyan, warning: colors.yellow, error: colors.red };

export const top: Command = {
  name: 'top',
  description: 'show the state of the file and its activity every two seconds; only reads',
  group: 'Look',
  options: { '--once': 'print once; also with --json, and if the output is not a terminal' },
  help: 'The first view of {command} console, for a terminal. Ctrl-C ends it.',
  examples: ['top', 'top --once', 'top --json'],
  run: runTop,
};

async function runTop(call: Call<Schema, Options>): Promise<void> {
  const { kit } = call;
  const filename = realFile(call.existingFile());
  const wasClosed = !isThere(`${filename}-wal`);
  const view = nowView();
  {
    using source = new Source(kit, filename);
    const read = async () => view.read({ db: source.open(), kit, filename, params: {} });
    const text = async () =>
      `${filename}\n\n${blocksAsText(await read(), (tone, mark) => PAINT[tone](mark), formatTable)}`;
    if (call.json) call.print(await read(), '');
    else if (call.options.once || !process.stdout.isTTY) call.print(undefined, await text());
    else await show(text);
  }
  if (wasClosed) removeSidecars(kit, filename);
}

/** Draws over what it drew before, on the terminal's other screen, until Ctrl-C. */
async function show(text: () => Promise<string>): Promise<void> {
  const ending = new AbortController();
  const { signal } = ending;
  const ended = Promise.race((['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => once(process, name, { signal })));
  const { stdout } = process;
  let isOver = false;
  // An error of the file ends it too, and then nobody waits for a signal any more.
  const over = ended
    .catch(() => {})
    .then(() => {
      isOver = true;
    });
  stdout.write('\u001B[?1049h\u001B[?25l');
  try {
    while (!isOver) {
      const height = (stdout.rows ?? 24) - 1;
      const shown = (await text()).split('\n').slice(0, height);
      stdout.write(`\u001B[H\u001B[2J${shown.join('\n')}\n`);
      await Promise.race([over, new Promise((resolve) => setTimeout(resolve, EVERY_MS))]);
    }
  } finally {
    ending.abort();
    stdout.write('\u001B[?25h\u001B[?1049l');
  }
}
