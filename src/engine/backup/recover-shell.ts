import type { ChildProcess } from 'node:child_process';
import { devNull } from 'node:os';

/** What the sqlite3 shell did. */
export interface ShellOutcome {
  /** False where the shell says that it could not, as one that is built without the page table does. */
  readonly isDone: boolean;
  /** Lines of complaint; they may show what rows hold, so they are only counted. */
  readonly complaints: number;
}

/** Nothing of the user's own configuration is read, and an error does not end it. */
const OPTIONS = ['-batch', '-init', devNull];

/**
 * Lets the shell read every page of a damaged database and write what it finds into a new one.
 * https://sqlite.org/recovery.html
 *
 * @returns Undefined where the shell is not installed.
 */
export async function recoverByShell(damaged: string, to: string): Promise<ShellOutcome | undefined> {
  const { spawn } = process.getBuiltinModule('node:child_process');
  const reader = spawn('sqlite3', [...OPTIONS, damaged, '.recover'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const writer = spawn('sqlite3', [...OPTIONS, to], { stdio: ['pipe', 'ignore', 'pipe'] });
  const ends = Promise.all([ended(reader), ended(writer)]);
  try {
    await process.getBuiltinModule('node:stream/promises').pipeline(reader.stdout, writer.stdin);
  } catch {
    // One of them is not there or has ended; how it ended tells more.
  }
  const [read, written] = await ends;
  if (read.code === undefined || written.code === undefined) return undefined;
  // The writer ends with an error where single rows do not fit; what fits is there.
  return { isDone: read.code === 0, complaints: read.lines + written.lines };
}

/** How a process ended; without a code where it could not be started. */
function ended(child: ChildProcess): Promise<{ code?: number | null; lines: number }> {
  let lines = 0;
  child.stderr?.on('data', (chunk: Buffer) => {
    lines += chunk.toString('latin1').split('\n').length - 1;
  });
  return new Promise((resolve) => {
    child.once('error', () => resolve({ lines }));
    child.once('close', (code) => resolve({ code, lines }));
  });
}
