import { InvalidInputError } from '../errors.ts';
import { objectArgument } from '../options.ts';
import type { AllowLoss } from './history.ts';

/** @throws InvalidInputError */
export function checkAllowLoss(allowLoss: unknown): void {
  if (allowLoss === undefined) return;
  const lists = Object.values(objectArgument(allowLoss as AllowLoss, 'options.allowLoss'));
  if (!lists.every((names) => Array.isArray(names) && names.every((name) => typeof name === 'string'))) {
    throw new InvalidInputError(
      'options.allowLoss',
      "must map tags to lists of names, e.g. { '0011_drop_drafts': ['drafts'] }",
    );
  }
}
