import type { Operation } from '../harness/compare.ts';
import { agentOperations } from './agents.ts';
import type { Arms } from './arms.ts';
import { messageOperations } from './messages.ts';
import { runOperations } from './runs.ts';
import { spanOperations } from './spans.ts';

/** Every operation of every store, in the order in which they are measured. */
export function storeOperations(arms: Arms): Operation[] {
  return [...messageOperations(arms), ...spanOperations(arms), ...agentOperations(arms), ...runOperations(arms)];
}
