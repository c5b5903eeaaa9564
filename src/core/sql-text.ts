/** One token that matters for finding where a statement ends: a word in capitals, or a single punctuation mark. */
interface Token {
  readonly text: string;
  /** Offset of the character behind the token. */
  readonly end: number;
}

const WORD = /[A-Za-z_\u0080-\uffff$0-9]/;
const CLOSING: Record<string, string> = { "'": "'", '"': '"', '`': '`', '[': ']' };

/** The offset behind a quoted string or name that starts at `from`; the end of the text where it is not closed. */
function skipQuoted(sql: string, from: number): number {
  const close = CLOSING[sql.charAt(from)] as string;
  for (let i = from + 1; i < sql.length; i++) {
    if (sql[i] !== close) continue;
    if (close !== ']' && sql[i + 1] === close) i++;
    else return i + 1;
  }
  return sql.length;
}

/** Words and punctuation of SQL, without white space and comments; a quoted string or name is one token `'`. */
function* tokens(sql: string): Generator<Token> {
  let i = 0;
  while (i < sql.length) {
    const c = sql.charAt(i);
    if (/\s|\ufeff/.test(c)) i++;
    else if (c === '-' && sql[i + 1] === '-') {
      const end = sql.indexOf('\n', i);
      i = end < 0 ? sql.length : end + 1;
    } else if (c === '/' && sql[i + 1] === '*') {
      const end = sql.indexOf('*/', i + 2);
      i = end < 0 ? sql.length : end + 2;
    } else if (c in CLOSING) {
      i = skipQuoted(sql, i);
      yield { text: "'", end: i };
    } else if (WORD.test(c)) {
      let end = i + 1;
      while (end < sql.length && WORD.test(sql.charAt(end))) end++;
      yield { text: sql.slice(i, end).toUpperCase(), end };
      i = end;
    } else {
      i++;
      yield { text: c, end: i };
    }
  }
}

/** Counts the BEGIN and CASE of a trigger's body that wait for their END. */
function depthAfter(depth: number, text: string): number {
  if (text === 'BEGIN' || text === 'CASE') return depth + 1;
  return text === 'END' ? depth - 1 : depth;
}

/**
 * The statements of an SQL text, trimmed, without their semicolons; text that is only white space and comments
 * gives none. A trigger's body is part of its statement, as in https://sqlite.org/c3ref/complete.html.
 */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let start = 0;
  let head: string[] = [];
  let depth = 0;
  const finish = (end: number): void => {
    if (head.length > 0) statements.push(sql.slice(start, end).trim());
    head = [];
    depth = 0;
  };
  for (const { text, end } of tokens(sql)) {
    const isTrigger = head[0] === 'CREATE' && head.slice(1, 3).includes('TRIGGER');
    if (isTrigger) depth = depthAfter(depth, text);
    if (text === ';' && depth <= 0) {
      finish(end - 1);
      start = end;
    } else if (head.length < 4) head.push(text);
  }
  finish(sql.length);
  return statements;
}

/** How many parameters a statement takes that names none of them: `?` and `?3`. https://sqlite.org/lang_expr.html#varparam */
export function countParameters(statement: string): number {
  let count = 0;
  let mark: number | undefined;
  for (const { text, end } of tokens(statement)) {
    const number = mark === end - text.length && /^\d+$/.test(text) ? Number(text) : undefined;
    if (number !== undefined) count = Math.max(count - 1, number);
    mark = text === '?' ? end : undefined;
    if (text === '?') count++;
  }
  return count;
}

/** The first words of a statement in capitals, as `['ALTER', 'TABLE', "'"]`; comments do not count. */
export function leadingWords(statement: string, count: number): string[] {
  const words: string[] = [];
  for (const { text } of tokens(statement)) {
    if (words.length === count) break;
    words.push(text);
  }
  return words;
}

/** The tokens of a text as one string, so that texts which differ in comments and white space only are equal. */
export function withoutComments(sql: string): string {
  const parts: string[] = [];
  let previous = 0;
  for (const { text, end } of tokens(sql)) {
    parts.push(text === "'" ? sql.slice(previous, end).trimStart() : text);
    previous = end;
  }
  return parts.join(' ');
}
