import type { Runtime, Suite, SuiteOptions } from '../harness/suite.ts';
import { backups } from './backup.ts';
import { caches } from './cache.ts';
import { contention } from './contention.ts';
import { growthSuite } from './growth.ts';
import { healths } from './health.ts';
import { histories } from './history.ts';
import { imports } from './import.ts';
import { memory } from './memory.ts';
import { monitors } from './monitor.ts';
import { openSuites } from './open.ts';
import { peersSuite } from './peers.ts';
import { stores } from './stores.ts';
import { waiting } from './waiting.ts';
import { stalls, writes } from './writes.ts';

/** In the order in which they run; a suite of several tables stands here several times. */
export function suitesFor(runtime: Runtime, options: Pick<SuiteOptions, 'quick' | 'full'>): Suite[] {
  return [
    stores,
    peersSuite(runtime, options),
    ...openSuites(runtime),
    histories,
    growthSuite(options),
    caches,
    writes,
    stalls,
    contention,
    waiting,
    imports,
    backups,
    memory,
    monitors,
    healths,
  ];
}
