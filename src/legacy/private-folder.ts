import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MEMORY } from '../core/path.ts';

const PREFIX = 'dork-import-';

/** `dork-import-1234-a1B2c3`: the number is the process. */
const NAME = /^dork-import-(\d+)-\w+$/;

/** A folder that only its owner may enter, for the copies of older files; removed at the end of the block. */
export interface PrivateFolder extends Disposable {
  readonly path: string;
}

/**
 * Makes the folder: for an import beside dork.db, where a copy may share its blocks with the older file; for a dry run,
 * which writes nothing there, and for a database in memory where the system keeps temporary files. What killed imports
 * have left in the same place is removed.
 */
export function createPrivateFolder(filename: string, isDryRun: boolean): PrivateFolder {
  const parent = isDryRun || filename === MEMORY ? tmpdir() : dirname(filename);
  removeAbandoned(parent);
  // mkdtemp creates it with mode 0700.
  const path = mkdtempSync(join(parent, `${PREFIX}${process.pid}-`));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

function removeAbandoned(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = Number(NAME.exec(name)?.[1]);
    if (!(pid > 0) || isRunning(pid)) continue;
    try {
      rmSync(join(parent, name), { recursive: true, force: true });
    } catch {
      // It is another user's.
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code !== 'ESRCH';
  }
}
