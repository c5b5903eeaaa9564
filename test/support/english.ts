import ts from 'typescript';

/** A comment or a string of a source file, or a text of a document; a label is a heading or a cell of a table. */
export interface Prose {
  readonly kind: 'comment' | 'string' | 'paragraph' | 'label';
  /** The text, one entry per line of the file, without comment marks and without code. */
  readonly lines: readonly string[];
  /** Number of the first line, from 1. */
  readonly line: number;
  /** True for a comment that opens with two slashes. */
  readonly isLineComment?: boolean;
}

/** A place in the text that reads like a translation. */
export interface Finding {
  readonly line: number;
  readonly habit: string;
  readonly found: string;
}

/** A habit to avoid. A pattern with `^` matches the start of a text only. */
interface Habit {
  readonly name: string;
  readonly pattern: RegExp;
  /** The kinds of text that are searched. Default: all. */
  readonly kinds?: readonly Prose['kind'][];
}

const SENTENCES = ['comment', 'paragraph'] as const;
const NOT_STRINGS = [...SENTENCES, 'label'] as const;

const PLACE =
  'place|places|folder|folders|file|files|path|paths|point|position|line|offset|directory|statement|page|from|to|of|is|know|knows|show|shows|decide|decides|see|and|or|out';

export const HABITS: readonly Habit[] = [
  {
    name: 'opens with "What": begin with a verb or a noun',
    pattern: /^(What|Whatever)\b(?! to\b)(?!.*\?)/,
    kinds: SENTENCES,
  },
  {
    name: 'opens with a word that needs the comment before',
    pattern: /^(And|Also|Else|But|Nor|Those|The same|The other)\b/,
    kinds: SENTENCES,
  },
  {
    name: '"where" for "if" or "when"',
    pattern: new RegExp(`(?<!\\b(?:${PLACE}) )\\b[Ww]here\\b(?! (?:to|from)\\b)`),
    kinds: NOT_STRINGS,
  },
  { name: '"anew" for "again"', pattern: /\banew\b/ },
  { name: '"beside" for "next to", "with" or "besides"', pattern: /\bbeside\b/i },
  { name: '"behind" for "after"', pattern: /(?<!\b(seconds?|leaves?|left|lock) )\bbehind\b/i, kinds: NOT_STRINGS },
  { name: 'things do not lie or stand: "is"', pattern: /\b(lie|lies|stands?|stood)\b(?! for\b)/i },
  { name: '"put in place" for "install" or "swap"', pattern: /\b(put|puts|putting) (\w+ )?in(to)? place\b/i },
  { name: '"comes to" for "is"', pattern: /\bcomes? to\b/i },
  { name: 'things do not speak: "reports", "returns", "shows"', pattern: /\b(tell|tells|told|say|says|said)\b/i },
  {
    name: '"as X" for "such as X", "e.g. X" or "like X"',
    pattern: /[,;(] as (`|an? |the |in |on |with |of |after |for |it |they )/,
  },
  {
    name: '"is none", "is no" for "is not a"',
    pattern: /(?<!\b[Tt]here )\b(is|are|gives|be) (none|no)\b(?! (longer|more)\b)/,
  },
  { name: '"must be" instead of what a value is not', pattern: /^(is|are) (not|no|neither)\b/, kinds: ['string'] },
  { name: '"whole number from 0" for "non-negative integer"', pattern: /\bwhole numbers?\b/i },
  {
    name: 'a relative clause for an adjective',
    pattern: /\b(that|which|what) (cannot|could not) be (read|used|found|opened)\b/i,
  },
  { name: '"what was there" for "the previous …"', pattern: /\bwhat (was|is|stood|lay) there\b/i },
  { name: '"found out"', pattern: /\bfound out\b/i },
  { name: '"Check the owner and permissions of X"', pattern: /\bLook at the\b/ },
  { name: '"leftovers"', pattern: /\bwreckage\b/i },
  { name: '"oldest first"', pattern: /\bthe first first\b/i },
  { name: '"until you are satisfied"', pattern: /\buntil you are content\b/i },
  {
    name: 'a bookish word',
    pattern: /\b(thereof|whereof|wherein|therein|thereby|whence|hence|hitherto|for ever|nought|lest)\b/i,
  },
];

/** The comments and strings of a TypeScript file, in order. */
export function proseOf(text: string): Prose[] {
  const source = ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest, true);
  const found = new Map<number, Prose>();
  const lineOf = (offset: number) => source.getLineAndCharacterOfPosition(offset).line + 1;
  const addComments = (ranges: readonly ts.CommentRange[] | undefined) => {
    for (const { pos, end } of ranges ?? []) {
      const comment = text.slice(pos, end);
      const isLineComment = comment.startsWith('//');
      found.set(pos, { kind: 'comment', lines: commentLines(comment), line: lineOf(pos), isLineComment });
    }
  };
  const addString = (node: ts.Node, value: string) => {
    if (!isProse(value)) return;
    found.set(node.getStart(source), { kind: 'string', lines: value.split('\n'), line: lineOf(node.getStart(source)) });
  };
  const visit = (node: ts.Node): void => {
    const children = node.getChildren(source).filter((child) => !ts.isJSDoc(child));
    if (ts.isTemplateExpression(node)) addString(node, templateText(node));
    else if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) addString(node, node.text);
    if (children.length > 0) children.forEach(visit);
    else {
      // A template's text may look like a comment.
      if (ts.isTemplateMiddleOrTemplateTail(node)) return;
      addComments(ts.getLeadingCommentRanges(text, node.pos));
      if (!ts.isTemplateHead(node)) addComments(ts.getTrailingCommentRanges(text, node.end));
    }
  };
  visit(source);
  return joined([...found.values()].sort((a, b) => a.line - b.line));
}

/** Line comments on successive lines are one text. */
function joined(all: readonly Prose[]): Prose[] {
  const result: Prose[] = [];
  for (const prose of all) {
    const last = result.at(-1);
    const follows =
      last?.kind === 'comment' && prose.kind === 'comment' && prose.line === last.line + last.lines.length;
    if (last && follows && last.lines.length < 8 && prose.lines.length === 1 && !last.lines[0]?.startsWith('*'))
      result[result.length - 1] = { ...last, lines: [...last.lines, ...prose.lines] };
    else result.push(prose);
  }
  return result;
}

/** A comment's lines without its marks; code in backquotes, code blocks and links are left out. */
function commentLines(comment: string): string[] {
  let isCode = false;
  return comment
    .replace(/^\/\*\*?|^\/\/|\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, ''))
    .map((line) => {
      if (/^\s*```/.test(line)) {
        isCode = !isCode;
        return '';
      }
      return isCode
        ? ''
        : line
            .replace(/\{@link[^}]*\}/g, '`x`')
            .replace(/`[^`]*`/g, '`x`')
            .replace(/https?:\S+/g, '')
            .trim();
    });
}

function templateText(node: ts.TemplateExpression): string {
  return node.head.text + node.templateSpans.map((span) => `…${span.literal.text}`).join('');
}

/** True for a text of at least three words that is not SQL. */
function isProse(text: string): boolean {
  if (/\b(SELECT|INSERT|UPDATE|DELETE|CREATE|PRAGMA|WHERE|FROM|BEGIN|ALTER|DROP|CHECK|VALUES|EXISTS)\b/.test(text))
    return false;
  return text.trim().split(/\s+/).length >= 3 && /[a-z]{2} [a-z]/.test(text);
}

/** Finds the habits in a text. */
export function findingsIn({ kind, lines, line }: Prose): Finding[] {
  const findings: Finding[] = [];
  // One space for each line break, so that a match that spans two lines is found too.
  const text = lines.join(' ');
  const start = text.length - text.trimStart().length;
  for (const habit of HABITS) {
    if (habit.kinds && !habit.kinds.includes(kind)) continue;
    const pattern = new RegExp(habit.pattern.source, `${habit.pattern.flags}g`);
    for (const match of text.trim().matchAll(pattern))
      findings.push({ line: line + lineAt(lines, start + match.index), habit: habit.name, found: match[0] });
  }
  return findings.sort((a, b) => a.line - b.line);
}

function lineAt(lines: readonly string[], offset: number): number {
  let end = 0;
  for (const [i, line] of lines.entries()) {
    end += line.length + 1;
    if (offset < end) return i;
  }
  return lines.length - 1;
}
