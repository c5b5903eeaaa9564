/** Matches the parts of SQL that matter for hiding values. All other characters are skipped. */
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
 * Returns the text of a statement without any values: strings, blobs and numbers become `?`, comments are removed. Text
 * in double quotes is only kept if it is certainly a name, because SQLite in Bun also accepts it as a string.
 *
 * @param names The names in the schema.
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

/** Returns the words of a schema's text. */
export function wordsOf(schema: string): ReadonlySet<string> {
  return new Set(schema.match(/[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/g) ?? []);
}
