import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Schema } from '../../connection/db.ts';
import type { ReadMetrics } from '../../console/metrics.ts';
import { metricsAt } from '../../console/metrics-address.ts';
import { serveConsole } from '../../console/serve.ts';
import { engineViews } from '../../console/views.ts';
import { realFile } from '../../file/file.ts';
import { isThere } from '../../file/fs.ts';
import type { Call, Command, CommandOption } from '../command.ts';
import { refuseOtherProgram } from '../file-status.ts';
import { removeSidecars } from '../sidecars.ts';

interface Options {
  readonly port?: number;
  readonly open?: boolean;
  readonly metrics?: ReadMetrics;
}

/** The option of what shows the view *Now*. */
export const METRICS: CommandOption = {
  description: 'show statements and waits of the server whose monitor() answers there',
  parse: metricsAt,
};

export const console: Command = {
  name: 'console',
  group: 'Look',
  description: 'serve one page on this machine that shows how the file is and what goes on in it; only reads',
  options: {
    '--port <port>': { description: 'the port on 127.0.0.1 (default: one that is free)', parse: portNumber },
    '--metrics <address>': METRICS,
    '--open': 'open the page in the browser',
  },
  help:
    'The printed address has a token: whoever has it can read the database, while the command runs. Ctrl-C ends it.\n' +
    'Nobody is let in from another machine: forward the port to look from there, with ssh -L PORT:127.0.0.1:PORT.',
  examples: ['console --open', 'console --port 4711 --json', 'console --metrics http://127.0.0.1:4242/metrics'],
  run: runConsole,
};

function portNumber(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new RangeError('It must be a number from 0 to 65535.');
}

async function runConsole(call: Call<Schema, Options>): Promise<void> {
  const { kit, options, command } = call;
  refuseOtherProgram(call);
  // A file that is not a database any more is shown too.
  const filename = realFile(isThere(call.filename) ? call.filename : call.existingFile());
  const wasClosed = !isThere(`${filename}-wal`);
  const views = engineViews(call.views, options.metrics);
  {
    await using served = await serveConsole({ kit, filename, views, port: options.port });
    const { address, port } = served;
    call.print(
      { address, port, filename },
      `${filename} is shown at\n\n  ${address}\n\nCtrl-C ends ${command} console.`,
    );
    if (options.open) openInBrowser(address);
    await interrupted();
  }
  if (wasClosed) removeSidecars(kit, filename);
}

/** Waits for Ctrl-C, the normal end of this command. */
async function interrupted(): Promise<void> {
  const ending = new AbortController();
  const { signal } = ending;
  await Promise.race((['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => once(process, name, { signal })));
  ending.abort();
}

const OPENERS: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/** The address is printed too, if there is no browser. */
function openInBrowser(address: string): void {
  const [program, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(program, [...args, address], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}
