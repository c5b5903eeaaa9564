/** One arm of the suite memory: `memory.script.ts ARM FILE SECONDS ROWS ENTRY`; prints what it held, as JSON. */
import { pathToFileURL } from 'node:url';
import { openConfigured } from '../harness/bare.ts';
import type { Package } from '../harness/ours.ts';
import { bareLoad, type Load, storeLoad } from '../stores/load.ts';

const [, , arm, path = '', seconds = '0', rows = '0', entry = ''] = process.argv;

async function open(): Promise<Load> {
  if (arm === 'bare') return bareLoad(openConfigured(path), Number(rows));
  const pkg = (await import(pathToFileURL(entry).href)) as Package;
  return storeLoad(pkg, pkg.createDb(path, { migrations: 'require' }), Number(rows));
}

/** Calls between two looks at the clock. */
const BLOCK = 100;

const load = await open();
const until = performance.now() + Number(seconds) * 1000;
let calls = 0;
let most = 0;
do {
  for (const end = calls + BLOCK; calls < end; calls++) load(calls);
  // As in a server, whose event loop turns, so that what waits for it is freed.
  await new Promise((resolve) => setImmediate(resolve));
  // What the system calls the greatest resident set of a process may be that of the one that started it.
  most = Math.max(most, process.memoryUsage.rss());
} while (performance.now() < until);
console.log(JSON.stringify({ calls, end: process.memoryUsage().rss, most }));
process.exit(0);
