import { readFileSync } from 'node:fs';

/** Words that say nothing of what a migration is for. */
const SAYS_NOTHING = new Set(
  `a add alter asdf bar baz change changes column columns database db drizzle edit fix foo index init initial many
  migrate migration misc more my new next now old one other qwerty schema second some sql stuff table tables temp test
  the thing things third tmp todo two untitled up update updates v wip x xxx y z`.split(/\s+/),
);

const FORM = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
const IS_HEX = /^[0-9a-f]*\d[0-9a-f]*$/;

/** What drizzle-kit makes a name of where it is given none: an adjective and a hero of comics. */
export interface RandomNames {
  readonly adjectives: ReadonlySet<string>;
  readonly heroes: ReadonlySet<string>;
}

/** The lists are in drizzle-kit's own bundle and are not exported. */
export function drizzleKitRandomNames(bin: string): RandomNames {
  const bundle = readFileSync(bin, 'utf8');
  const list = (name: string) =>
    new Set(bundle.match(new RegExp(`^ {4}${name} = \\[([^\\]]*)\\]`, 'm'))?.[1]?.match(/(?<=")\w+(?=")/g) ?? []);
  return { adjectives: list('adjectives'), heroes: list('heroes') };
}

/** Why a migration cannot be called so, as the end of a sentence; undefined where it can. */
export function problemOfName(name: string, { adjectives, heroes }: RandomNames): string | undefined {
  if (name === '') return 'is empty';
  if (!FORM.test(name)) return 'is not of the form lower_case_words';
  const words = name.split('_');
  if (words.every((word) => SAYS_NOTHING.has(word) || IS_HEX.test(word))) return 'says nothing of its purpose';
  const [first = ''] = words;
  if (adjectives.has(first) && heroes.has(words.slice(1).join('_'))) return 'is one that drizzle-kit drew by lot';
  return undefined;
}
