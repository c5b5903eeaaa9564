import type { Runtime, Suite } from '../harness/suite.ts';
import { openSuites } from './open.ts';
import { stores } from './stores.ts';

/** In the order in which they run; a suite of several tables stands here several times. */
export function suitesFor(runtime: Runtime): Suite[] {
  return [stores, ...openSuites(runtime)];
}
