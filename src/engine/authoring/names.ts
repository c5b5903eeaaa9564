import { readFileSync } from 'node:fs';

/** Words that do not describe the purpose of a migration. */
const VAGUE = new Set(
  `a add alter asdf bar baz change changes column columns database db drizzle edit fix foo index init initial many
  migrate migration misc more my new next now old one other qwerty schema second some sql stuff table tables temp test
  the thing things third tmp todo two untitled up update updates v wip x xxx y z`.split(/\s+/),
);

const FORM = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
const IS_HEX = /^[0-9a-f]*\d[0-9a-f]*$/;

/** The words of drizzle-kit's default names: an adjective and a comic hero. */
export interface RandomNames {
  readonly adjectives: ReadonlySet<string>;
  readonly heroes: ReadonlySet<string>;
}

/** Reads the words from drizzle-kit's own bundle, because it does not export them. */
export function drizzleKitRandomNames(bin: string): RandomNames {
  const bundle = readFileSync(bin, 'utf8');
  const list = (name: string) =>
    new Set(bundle.match(new RegExp(`^ {4}${name} = \\[([^\\]]*)\\]`, 'm'))?.[1]?.match(/(?<=")\w+(?=")/g) ?? []);
  return { adjectives: list('adjectives'), heroes: list('heroes') };
}

/** Returns the end of a sentence with the reason why a name is not allowed; undefined for an allowed name. */
export function problemOfName(name: string, { adjectives, heroes }: RandomNames): string | undefined {
  if (name === '') return 'must not be empty';
  if (!FORM.test(name)) return 'must be lower_case_words';
  const words = name.split('_');
  if (words.every((word) => VAGUE.has(word) || IS_HEX.test(word))) return 'must describe its purpose';
  const [first = ''] = words;
  if (adjectives.has(first) && heroes.has(words.slice(1).join('_'))) return 'was chosen at random by drizzle-kit';
  return undefined;
}
