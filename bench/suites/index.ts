import type { Suite } from '../harness/suite.ts';
import { stores } from './stores.ts';

/** In the order in which they run. */
export const suites: readonly Suite[] = [stores];
