import { InvalidInputError } from '../errors.ts';

const LONGEST = 60;

/**
 * Converts a label to a part of a file name: letters and digits are kept, everything between them becomes a dash.
 *
 * @throws InvalidInputError if nothing is left, or if it is longer than 60 characters.
 */
export function labelTag(label: unknown): string | undefined {
  if (label === undefined) return undefined;
  if (typeof label !== 'string') throw new InvalidInputError('options.label', 'must be a string');
  const tag = label
    .normalize('NFC')
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-|-$/g, '');
  if (tag === '') throw new InvalidInputError('options.label', 'must have a letter or a digit');
  if (tag.length > LONGEST) throw new InvalidInputError('options.label', `must have at most ${LONGEST} characters`);
  return tag;
}
