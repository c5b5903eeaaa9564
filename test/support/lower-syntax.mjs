/**
 * For a Node that knows neither types nor `using`: `node --import ./test/support/lower-syntax.mjs`. esbuild makes of each
 * source what Node 22 runs, when it is loaded. With the variable DORK_TEST_LOWERED, a folder, once for all processes.
 */
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OURS = /^file:(?!.*\/node_modules\/).*\.(ts|mjs)$/;
const require = createRequire(import.meta.url);

function lowered(file) {
  const { code } = require('esbuild').transformSync(readFileSync(file, 'utf8'), {
    loader: 'ts',
    format: 'esm',
    target: 'node22',
    sourcefile: file,
    sourcemap: 'inline',
  });
  return code;
}

/** Several processes may write the same file; a rename makes it whole for all. */
function kept(file, folder) {
  const path = join(folder, createHash('sha256').update(file).update(readFileSync(file)).digest('hex'));
  try {
    return readFileSync(path, 'utf8');
  } catch {
    const code = lowered(file);
    const unfinished = `${path}.${process.pid}.${performance.now()}`;
    writeFileSync(unfinished, code);
    renameSync(unfinished, path);
    return code;
  }
}

registerHooks({
  load(url, context, nextLoad) {
    if (!OURS.test(url)) return nextLoad(url, context);
    const file = fileURLToPath(url);
    const folder = process.env.DORK_TEST_LOWERED;
    return { format: 'module', source: folder ? kept(file, folder) : lowered(file), shortCircuit: true };
  },
});
