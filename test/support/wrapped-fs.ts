import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { BUNDLE, bundlePath } from './bundle.ts';
import { BUN, NODE, ROOT, type Runtime } from './runtime.ts';

/** What a wrapped program does with its calls of `node:fs`: FS_WRAP of its environment in JSON, then `globalThis.fsWrap`. */
export interface FsWrap {
  /** A file that gets one line for each call that changes or flushes something: its name and its paths. */
  log?: string;
  /** Milliseconds that calls take longer, before and after. */
  slow?: Readonly<Record<string, number>>;
  /** Ends the process, as a crash does, before the nth call (from 1) that changes or flushes something. */
  kill?: number;
  /** Makes the nth call (from 1) of a function fail; 0 when it has, with its path; and each one after it if it is lasting. */
  fail?: { readonly call: string; nth: number; readonly code: string; path?: string; isLasting?: boolean } | undefined;
}

/** Every synchronous function of node:fs, around which a program can be made slow, made to fail, or be recorded. */
const WRAPPER = `
const real = process.getBuiltinModule('node:fs');
globalThis.fsWrap = JSON.parse(process.env.FS_WRAP ?? '{}');
const wait = (ms) => ms && Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const paths = new Map();
const LOGGED = ['renameSync', 'linkSync', 'rmSync', 'fsyncSync', 'writeFileSync', 'ftruncateSync', 'mkdirSync'];
export function wrap(name) {
  const fn = real[name];
  return Object.assign((...args) => {
    const { log, slow = {}, fail } = globalThis.fsWrap;
    if (LOGGED.includes(name) && globalThis.fsWrap.kill !== undefined && --globalThis.fsWrap.kill === 0) {
      process.kill(process.pid, 'SIGKILL');
      wait(10_000);
    }
    const shown = args.filter((arg) => typeof arg === 'string' || typeof arg === 'number').map((arg) => paths.get(arg) ?? String(arg));
    if (fail && fail.call === name && (--fail.nth === 0 || (fail.isLasting && fail.nth < 0))) {
      fail.path = shown[0];
      throw Object.assign(new Error(fail.code + ': made to fail, ' + name + ' ' + shown[0]), { code: fail.code, syscall: name });
    }
    wait(slow[name]);
    const result = fn(...args);
    wait(slow[name]);
    if (name === 'openSync') paths.set(result, args[0]);
    if (log && LOGGED.includes(name)) real.appendFileSync(log, [name, ...shown].join(' ') + '\\n');
    return result;
  }, fn);
}
`;

let folder: string | undefined;
const bundles = new Map<string, string>();

/** The command line that runs a script of the project with its calls of `node:fs` wrapped. */
export function wrappedCommand(script: string, runtime: Runtime): [command: string, script: string] {
  const command = runtime === 'bun' ? BUN : NODE;
  const known = bundles.get(script + runtime);
  if (known) return [command, known];
  if (folder === undefined) {
    folder = bundlePath();
    mkdirSync(folder);
    writeFileSync(join(folder, 'wrap.mjs'), WRAPPER);
    const fs = process.getBuiltinModule('node:fs') as unknown as Record<string, unknown>;
    const names = Object.keys(fs).filter((name) => name !== 'default' && /^[a-z]\w+$|^[A-Z][a-z]\w*$/.test(name));
    const value = (name: string) => (name.endsWith('Sync') ? `wrap('${name}')` : `real.${name}`);
    writeFileSync(
      join(folder, 'fs.mjs'),
      `import { wrap } from './wrap.mjs';\nconst real = process.getBuiltinModule('node:fs');\n${names
        .map((name) => `export const ${name} = ${value(name)};`)
        .join('\n')}\nexport default real;\n`,
    );
  }
  const outfile = join(folder, `${bundles.size}.mjs`);
  buildSync({
    ...BUNDLE,
    external: [...BUNDLE.external],
    entryPoints: [join(ROOT, script)],
    outfile,
    conditions: runtime === 'bun' ? ['bun'] : [],
    alias: { 'node:fs': join(folder, 'fs.mjs') },
  });
  bundles.set(script + runtime, outfile);
  return [command, outfile];
}
