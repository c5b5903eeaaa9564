import { Random } from '../kit/random.ts';

/** 32 bits of a text. https://en.wikipedia.org/wiki/Fowler–Noll–Vo_hash_function */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The choices of one round: the same for the same seed, whatever ran before it. */
export function randomFor(seed: string, ...of: readonly (string | number)[]): Random {
  return new Random(hashOf([seed, ...of].join('/')));
}
