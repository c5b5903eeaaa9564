import type { ChildProcess } from 'node:child_process';
import { devNull } from 'node:os';

/** The result of the sqlite3 shell. */
export interface ShellOutcome {
  /** False if the shell reports that it cannot recover, e.g. because it was built without the page table. */
  readonly isDone: boolean;
  /** Number of lines on stderr. Their text may contain values of rows and is not kept. */
  readonly complaints: number;
}

/** Ignores the user's configuration, and continues after errors. */
const OPTIONS = ['-batch', '-init', devNull];

/**
 * Runs the shell to read every page of a damaged database and to write the rows into a new one.
 * https://sqlite.org/recovery.html
 *
 * @returns Undefined if the shell is not installed.
 */
export async function recoverByShell(damaged: string, to: string): Promise<ShellOutcome | undefined> {
  const { spawn } = process.getBuiltinModule('node:child_process');
  const reader = spawn('sqlite3', [...OPTIONS, damaged, '.recover'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const writer = spawn('sqlite3', [...OPTIONS, to], { stdio: ['pipe', 'ignore', 'pipe'] });
  const ends = Promise.all([ended(reader), ended(writer)]);
  try {
    await process.getBuiltinModule('node:stream/promises').pipeline(reader.stdout, writer.stdin);
  } catch {
    // One of them did not start or has ended; its exit code is checked below.
  }
  const [read, written] = await ends;
  if (read.code === undefined || written.code === undefined) return undefined;
  // The writer fails if single rows are invalid, but the valid ones are written.
  return { isDone: read.code === 0, complaints: read.lines + written.lines };
}

/** Returns how a process ended; without a code if it could not be started. */
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
