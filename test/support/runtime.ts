import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The name of the runtime that this test runs on. */
export const RUNTIME = process.versions.bun ? 'bun' : 'node';

/** The project's folder. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The commands of both runtimes, whichever runs the test: Node 24 from node_modules, Bun from the PATH or this process. */
export const NODE = join(ROOT, 'node_modules', '.bin', 'node');
export const BUN = process.versions.bun ? process.execPath : (process.env.BUN_EXEC_PATH ?? 'bun');
