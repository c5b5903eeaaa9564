import type { Operation } from '../operation.ts';
import { COPIES } from './copies.ts';
import { EXCHANGES } from './exchanges.ts';
import { EXPORTS } from './exports.ts';
import { HISTORIES } from './histories.ts';
import { WRITING } from './writing.ts';

/** Everything in whose middle the power fails. */
export const OPERATIONS: readonly Operation[] = [...WRITING, ...COPIES, ...EXCHANGES, ...HISTORIES, ...EXPORTS];
