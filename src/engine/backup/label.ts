import { InvalidInputError } from '../errors.ts';

const LONGEST = 60;

/**
 * A label as a part of a file's name: letters and digits stay, everything between them becomes a dash.
 *
 * @throws InvalidInputError where nothing would be left, or it is longer than 60 characters.
 */
export function labelTag(label: unknown): string | undefined {
  if (label === undefined) return undefined;
  if (typeof label !== 'string') throw new InvalidInputError('options.label', 'is not text');
  const tag = label
    .normalize('NFC')
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-|-$/g, '');
  if (tag === '') throw new InvalidInputError('options.label', 'has no letter and no digit');
  if (tag.length > LONGEST) throw new InvalidInputError('options.label', `is longer than ${LONGEST} characters`);
  return tag;
}
