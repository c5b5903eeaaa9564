/** What a statement's text is made of, as far as values go. Everything else is passed over one character at a time. */
const PART = new RegExp(
  [
    /(?<comment>--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))/,
    /(?<literal>[xX]?'(?:[^']|'')*(?:'|$))/,
    /(?<quoted>"(?:[^"]|"")*(?:"|$))/,
    /(?<name>`[^`]*`|\[[^\]]*\]|[?:@$][\w$]*|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)/,
    /(?<number>\.?\d[\w.]*(?:(?<=[eE])[+-]\d+)?)/,
    /(?<space>\s+)/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
);

const MOST_CHARACTERS = 500;

/**
 * The text of a statement without any value: strings, blobs and numbers are `?`, comments are gone. A text in double
 * quotes is a name only where it is used as one, since SQLite in Bun also takes it for a string.
 *
 * @param names The words that name something in the schema.
 */
export function withoutValues(sql: string, names: ReadonlySet<string>): string {
  let before = '';
  const text = sql.replace(PART, (part, ...rest) => {
    const groups = rest.at(-1) as Record<string, string | undefined>;
    const offset = rest.at(-3) as number;
    let shown = part;
    if (groups.comment !== undefined || groups.space !== undefined) return ' ';
    if (groups.literal !== undefined || groups.number !== undefined) shown = '?';
    else if (groups.quoted !== undefined) {
      const isQualified = sql[offset - 1] === '.' || sql[offset + part.length] === '.';
      const isName = isQualified || before.toUpperCase() === 'AS' || names.has(part.slice(1, -1));
      shown = isName ? part : '?';
    }
    before = part;
    return shown;
  });
  return text.replace(/ +/g, ' ').trim().slice(0, MOST_CHARACTERS);
}

/** Every word of a schema's text. */
export function wordsOf(schema: string): ReadonlySet<string> {
  return new Set(schema.match(/[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/g) ?? []);
}
