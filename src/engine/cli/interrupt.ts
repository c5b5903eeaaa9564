import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { discardAll } from '../copies/making.ts';
import { fitted } from './wrap.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

type Signal = (typeof SIGNALS)[number];

/** Set for the process that does the work of {@link guarded}. */
const GUARDED = 'DORK_DB_GUARDED';

/**
 * Cleans up if the process is interrupted before the end of the block: removes unfinished files, and prints one sentence
 * with the outcome.
 *
 * @param outcome Returns the sentence.
 */
export function onInterrupt(outcome: () => string): Disposable {
  const handler = (signal: Signal) => endBy(signal, outcome());
  for (const signal of SIGNALS) process.on(signal, handler);
  return {
    [Symbol.dispose]: () => {
      for (const signal of SIGNALS) process.off(signal, handler);
    },
  };
}

/** Ends this process by the signal itself: a shell shows 130 for Ctrl-C, and a busy thread cannot delay it. */
export function endBy(signal: Signal, outcome: string): void {
  discardAll();
  const showCursor = process.stderr.isTTY ? '\u001B[?25h\u001B[?7h\r\u001B[K' : '';
  writeSync(2, `${showCursor}${fitted(`Interrupted. ${outcome}`, process.stderr)}\n`);
  for (const each of SIGNALS) process.removeAllListeners(each);
  process.kill(process.pid, signal);
}

/**
 * Runs a command in a separate process if someone may press Ctrl-C: a statement of SQLite blocks every signal handler of
 * its process, so the working process can only be killed, and this one cleans up.
 *
 * @param cleanUp Removes the leftovers of the ended process, and returns the sentence with the outcome.
 * @returns False in the process that does the work.
 */
export async function guarded(cleanUp: () => Promise<string>): Promise<boolean> {
  if (process.env[GUARDED] || !(process.stdin.isTTY || process.stderr.isTTY)) return false;
  const child = spawn(process.execPath, [...process.execArgv, ...argumentsOf(process.argv)], {
    stdio: 'inherit',
    env: { ...process.env, [GUARDED]: '1' },
  });
  const pass = (signal: Signal) => void child.kill(signal);
  for (const signal of SIGNALS) process.on(signal, pass);
  const [code, signal] = (await once(child, 'exit')) as [number | null, Signal | null];
  if (signal && SIGNALS.includes(signal)) endBy(signal, await cleanUp());
  process.exitCode = code ?? 1;
  return true;
}

/** Returns what this process was started with. A compiled Bun program has its script inside, and shows its path there. */
function argumentsOf([, script = '', ...words]: readonly string[]): string[] {
  const isInside = process.versions.bun !== undefined && /^(\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/.test(script);
  return isInside ? words : [script, ...words];
}
