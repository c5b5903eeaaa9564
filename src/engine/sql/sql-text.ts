/** A token that matters for finding the end of a statement: a word in capitals, or a single punctuation mark. */
interface Token {
  readonly text: string;
  readonly start: number;
  /** Offset after the last character of the token. */
  readonly end: number;
}

const SPACE = /[\s\ufeff]+/y;
const WORD = /[A-Za-z_\u0080-\uffff$0-9]+/y;
const CLOSING: Record<string, string> = { "'": "'", '"': '"', '`': '`', '[': ']' };

/**
 * Returns the offset after the quoted string or name that starts at `from`; the end of the text if it is not closed.
 */
function skipQuoted(sql: string, from: number): number {
  const close = CLOSING[sql.charAt(from)] as string;
  for (let i = from + 1; i < sql.length; i++) {
    if (sql[i] !== close) continue;
    if (close !== ']' && sql[i + 1] === close) i++;
    else return i + 1;
  }
  return sql.length;
}

/** Returns the offset after the match of the pattern at `from`; `from` itself if there is no match. */
function skip(pattern: RegExp, sql: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.test(sql) ? pattern.lastIndex : from;
}

/** Returns the offset after the comment that starts at `from`; `from` itself if there is no comment. */
function skipComment(sql: string, from: number): number {
  const line = sql.startsWith('--', from);
  if (!line && !sql.startsWith('/*', from)) return from;
  const end = line ? sql.indexOf('\n', from) : sql.indexOf('*/', from + 2);
  return end < 0 ? sql.length : end + (line ? 1 : 2);
}

/**
 * Yields the words and punctuation of an SQL text, without white space and comments. A quoted string or name is one
 * token `'`.
 */
export function* tokens(sql: string, onComment?: (comment: string) => void): Generator<Token> {
  let i = 0;
  while (i < sql.length) {
    const c = sql.charAt(i);
    const space = skip(SPACE, sql, i);
    const comment = skipComment(sql, i);
    if (space > i) i = space;
    else if (comment > i) {
      onComment?.(sql.slice(i, comment));
      i = comment;
    } else if (c in CLOSING) {
      const start = i;
      i = skipQuoted(sql, i);
      yield { text: "'", start, end: i };
    } else {
      const end = skip(WORD, sql, i);
      yield end > i ? { text: sql.slice(i, end).toUpperCase(), start: i, end } : { text: c, start: i, end: i + 1 };
      i = Math.max(end, i + 1);
    }
  }
}

/** Returns true for `CREATE TRIGGER` and `CREATE TEMP TRIGGER`, but not for a table with that name. */
function startsTrigger([first, second, third]: readonly string[]): boolean {
  if (first !== 'CREATE') return false;
  return second === 'TRIGGER' || ((second === 'TEMP' || second === 'TEMPORARY') && third === 'TRIGGER');
}

/**
 * Splits an SQL text into its statements, trimmed and without semicolons. White space and comments alone yield an empty
 * list. The body of a trigger is part of its statement, which ends at an END between two semicolons, see
 * https://sqlite.org/c3ref/complete.html.
 */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let start = 0;
  let head: string[] = [];
  let last: string | undefined;
  let lastButOne: string | undefined;
  const finish = (end: number): void => {
    if (head.length > 0) statements.push(sql.slice(start, end).trim());
    head = [];
  };
  for (const { text, end } of tokens(sql)) {
    const isTrigger = startsTrigger(head);
    if (text === ';' && (!isTrigger || (last === 'END' && lastButOne === ';'))) {
      finish(end - 1);
      start = end;
    } else if (head.length < 4) head.push(text);
    lastButOne = last;
    last = text;
  }
  finish(sql.length);
  return statements;
}

/**
 * Returns the names of a statement's parameters by position, without their first character. A `?` is undefined, and so
 * is a number skipped by e.g. `?3`. https://sqlite.org/lang_expr.html#varparam
 */
export function parameterNames(statement: string): (string | undefined)[] {
  const names: (string | undefined)[] = [];
  const positions = new Map<string, number>();
  let mark: { readonly text: string; readonly end: number } | undefined;
  const add = (sign: string, name: string) => {
    if (sign === '?') {
      const position = Number(name);
      while (names.length < position) names.push(undefined);
      names[position - 1] = name;
    } else if (!positions.has(sign + name)) {
      positions.set(sign + name, names.length);
      names.push(name);
    }
  };
  const finish = () => {
    if (mark?.text === '?') names.push(undefined);
    mark = undefined;
  };
  for (const { text, start, end } of tokens(statement)) {
    if (mark?.end === start && (mark.text === '?' ? /^\d+$/ : /^[\w$\u0080-\uffff]+$/).test(text)) {
      add(mark.text, statement.slice(start, end));
      mark = undefined;
      continue;
    }
    finish();
    if (text === '?' || text === ':' || text === '@') mark = { text, end };
    else if (text.startsWith('$') && text.length > 1) add('$', statement.slice(start + 1, end));
  }
  finish();
  return names;
}

/** Returns the number of parameters of a statement. */
export function countParameters(statement: string): number {
  if (!/[?:@$]/.test(statement)) return 0;
  return parameterNames(statement).length;
}

/** Returns false for a statement without named parameters (`?1`, `:a`, `@a`, `$a`); true if it may have some. */
export function mayNameParameters(statement: string): boolean {
  return /\?\d|[:@$]/.test(statement);
}

/** Returns the first words of a statement in capitals, e.g. `['ALTER', 'TABLE', "'"]`. Comments are skipped. */
export function leadingWords(statement: string, count: number): string[] {
  const words: string[] = [];
  for (const { text } of tokens(statement)) {
    if (words.length === count) break;
    words.push(text);
  }
  return words;
}

/** Returns true for a pragma that may set a value. SQLite sets some of them when the statement is prepared. */
export function setsPragma(statement: string): boolean {
  const [word, first, second, third, fourth] = leadingWords(statement, 5);
  if (word !== 'PRAGMA') return false;
  const [name = '', sign] = second === '.' ? [third, fourth] : [first, second];
  return sign === '=' || (sign === '(' && !/(LIST|INFO|CHECK)$/.test(name));
}

/**
 * Returns the tokens of an SQL text as one string. Texts that differ only in comments, white space and the case of
 * words yield equal strings.
 */
export function withoutComments(sql: string): string {
  const parts: string[] = [];
  for (const { text, start, end } of tokens(sql)) parts.push(text === "'" ? sql.slice(start, end) : text);
  return parts.join(' ');
}

/** Removes the quotes of a name. */
export function unquoted(sql: string): string {
  const close = CLOSING[sql.charAt(0)];
  if (close === undefined) return sql;
  return close === ']' ? sql.slice(1, -1) : sql.slice(1, -1).replaceAll(close + close, close);
}

/** Returns the comments of an SQL text with their marks; a string that looks like a comment is not one. */
export function commentsOf(sql: string): string[] {
  const comments: string[] = [];
  for (const _ of tokens(sql, (comment) => comments.push(comment)));
  return comments;
}

/** Returns the words, names and strings of an SQL text in lower case, without quotes. */
export function wordsOf(sql: string): Set<string> {
  const words = new Set<string>();
  for (const { start, end } of tokens(sql)) words.add(unquoted(sql.slice(start, end)).toLowerCase());
  return words;
}

/**
 * Returns the tokens of a statement: words in capitals, quoted names and strings without quotes and in their original
 * case.
 */
export function unquotedTokens(sql: string): string[] {
  const parts: string[] = [];
  for (const { text, start, end } of tokens(sql)) parts.push(text === "'" ? unquoted(sql.slice(start, end)) : text);
  return parts;
}

const QUOTE_OR_COMMENT = /["'`[]|--|\/\*/g;

/** Matches a text that has more than plain double-quoted names. Most SQL from Drizzle does not match. */
const NOT_PLAIN = /['`[]|""|--|\/\*/;

/**
 * Replaces every `"name"` by `` `name` ``. If the SQLite library allows it, an unknown double-quoted name is taken for
 * a string; a name in backquotes never is. https://sqlite.org/quirks.html#dblquote
 */
export function withBackquotes(sql: string): string {
  if (!NOT_PLAIN.test(sql)) return sql.replaceAll('"', '`');
  let result = '';
  let from = 0;
  QUOTE_OR_COMMENT.lastIndex = 0;
  for (let found = QUOTE_OR_COMMENT.exec(sql); found; found = QUOTE_OR_COMMENT.exec(sql)) {
    const start = found.index;
    const comment = skipComment(sql, start);
    const end = comment > start ? comment : skipQuoted(sql, start);
    if (found[0] === '"') {
      result += `${sql.slice(from, start)}\`${unquoted(sql.slice(start, end)).replaceAll('`', '``')}\``;
      from = end;
    }
    QUOTE_OR_COMMENT.lastIndex = end;
  }
  return result + sql.slice(from);
}

/** The action of a statement and its table. */
export interface StatementAction {
  /** The action, e.g. `CREATE INDEX` or `INSERT`; empty if the text does not begin with an SQL verb. */
  readonly verb: string;
  /** The table that is created, changed or dropped, or the table of the index or trigger. */
  readonly table?: string;
}

const VERBS = new Set(['INSERT', 'REPLACE', 'UPDATE', 'DELETE', 'SELECT', 'CREATE', 'DROP', 'ALTER', 'PRAGMA']);
const OBJECTS = new Set(['TABLE', 'INDEX', 'TRIGGER', 'VIEW']);

/** The word before the table's name, by verb. */
const BEFORE_TABLE: Record<string, string> = {
  INSERT: 'INTO',
  REPLACE: 'INTO',
  DELETE: 'FROM',
  'CREATE TABLE': 'TABLE',
  'CREATE INDEX': 'ON',
  'CREATE TRIGGER': 'ON',
  'DROP TABLE': 'TABLE',
  'ALTER TABLE': 'TABLE',
};

/** Words that may follow it before the name: `IF NOT EXISTS`, `OR REPLACE`. */
const BETWEEN = new Set(['IF', 'NOT', 'EXISTS', 'OR', 'ROLLBACK', 'ABORT', 'REPLACE', 'FAIL', 'IGNORE']);

/** Reads the beginning of a statement: enough to show what is being done, without any values. */
export function actionOf(statement: string): StatementAction {
  let depth = 0;
  let verb = '';
  let isNext = false;
  let table: string | undefined;
  for (const { text, start, end } of tokens(statement)) {
    // A name followed by a dot is a schema, not the table.
    if (table !== undefined && text !== '.') return { verb, table };
    table = undefined;
    if (text === '(') depth++;
    else if (text === ')') depth--;
    if (depth > 0 || text === ')' || text === '.') continue;
    if (isNext && !BETWEEN.has(text)) {
      table = unquoted(statement.slice(start, end));
      continue;
    }
    if (verb === '' && VERBS.has(text)) verb = text;
    else if ((verb === 'CREATE' || verb === 'DROP' || verb === 'ALTER') && OBJECTS.has(text)) verb = `${verb} ${text}`;
    isNext ||= verb === 'UPDATE' || text === BEFORE_TABLE[verb];
  }
  return table === undefined ? { verb } : { verb, table };
}
