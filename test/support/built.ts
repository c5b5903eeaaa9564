import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './runtime.ts';

/** For tests of what users import: says what to do where `dist` has not been made. */
export function assertBuilt(): void {
  if (!existsSync(join(ROOT, 'dist', 'bun', 'index.js'))) throw new Error('dist is missing: bun run build');
}
