import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isWreckage } from './copy-name.ts';

/** A folder that only its owner may enter; removed with all that is in it at the end of the block. */
export interface TemporaryFolder extends Disposable {
  readonly path: string;
}

/**
 * Makes a folder as `PREFIX1234-a1B2c3`, where the number is this process, and removes those of this prefix that killed
 * processes left beside it.
 */
export function temporaryFolder(parent: string, prefix: string): TemporaryFolder {
  removeAbandoned(parent, prefix);
  // mkdtemp creates it with mode 0700.
  const path = mkdtempSync(join(parent, `${prefix}${process.pid}-`));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

function removeAbandoned(parent: string, prefix: string): void {
  for (const name of readdirSync(parent)) {
    const pid = name.startsWith(prefix) ? Number(/^(\d+)-\w+$/.exec(name.slice(prefix.length))?.[1]) : Number.NaN;
    const path = join(parent, name);
    if (!(pid > 0) || !isWreckage(path, pid)) continue;
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // It is another user's.
    }
  }
}
