/** One token that matters for finding where a statement ends: a word in capitals, or a single punctuation mark. */
interface Token {
  readonly text: string;
  readonly start: number;
  /** Offset of the character behind the token. */
  readonly end: number;
}

const SPACE = /[\s\ufeff]+/y;
const WORD = /[A-Za-z_\u0080-\uffff$0-9]+/y;
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

/** The offset behind what the pattern finds at `from`; `from` itself where it finds nothing. */
function skip(pattern: RegExp, sql: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.test(sql) ? pattern.lastIndex : from;
}

/** The offset behind a comment that starts at `from`; `from` itself if none does. */
function skipComment(sql: string, from: number): number {
  const line = sql.startsWith('--', from);
  if (!line && !sql.startsWith('/*', from)) return from;
  const end = line ? sql.indexOf('\n', from) : sql.indexOf('*/', from + 2);
  return end < 0 ? sql.length : end + (line ? 1 : 2);
}

/** Words and punctuation of SQL, without white space and comments; a quoted string or name is one token `'`. */
function* tokens(sql: string, onComment?: (comment: string) => void): Generator<Token> {
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

/** True for `CREATE TRIGGER` and `CREATE TEMP TRIGGER`, not for a table of that name. */
function startsTrigger([first, second, third]: readonly string[]): boolean {
  if (first !== 'CREATE') return false;
  return second === 'TRIGGER' || ((second === 'TEMP' || second === 'TEMPORARY') && third === 'TRIGGER');
}

/**
 * The statements of an SQL text, trimmed, without their semicolons; text that is only white space and comments
 * gives none. A trigger's body is part of its statement: it ends where an END stands between two semicolons, as in
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
 * The names of a statement's parameters by position, without their first character; undefined for `?`, and for a
 * number that `?3` skips. https://sqlite.org/lang_expr.html#varparam
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

/** How many parameters a statement takes. */
export function countParameters(statement: string): number {
  return parameterNames(statement).length;
}

/** False for a statement without named parameters (`?1`, `:a`, `@a`, `$a`); true if it may have some. */
export function mayNameParameters(statement: string): boolean {
  return /\?\d|[:@$]/.test(statement);
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

/** True for a pragma that may set something. SQLite sets some of them as soon as the statement is prepared. */
export function setsPragma(statement: string): boolean {
  const [word, first, second, third, fourth] = leadingWords(statement, 5);
  if (word !== 'PRAGMA') return false;
  const [name = '', sign] = second === '.' ? [third, fourth] : [first, second];
  return sign === '=' || (sign === '(' && !/(LIST|INFO|CHECK)$/.test(name));
}

/**
 * The tokens of a text as one string, so that texts which differ in comments, white space and the case of words only
 * are equal.
 */
export function withoutComments(sql: string): string {
  const parts: string[] = [];
  for (const { text, start, end } of tokens(sql)) parts.push(text === "'" ? sql.slice(start, end) : text);
  return parts.join(' ');
}

/** A name as SQL writes it, without its quotes. */
function unquoted(sql: string): string {
  const close = CLOSING[sql.charAt(0)];
  if (close === undefined) return sql;
  return close === ']' ? sql.slice(1, -1) : sql.slice(1, -1).replaceAll(close + close, close);
}

/** Returns the comments of an SQL text with their marks; what looks like one inside a string is not a comment. */
export function commentsOf(sql: string): string[] {
  const comments: string[] = [];
  for (const _ of tokens(sql, (comment) => comments.push(comment)));
  return comments;
}

/** Returns the words, names and strings of an SQL text in lower case, without their quotes. */
export function wordsOf(sql: string): Set<string> {
  const words = new Set<string>();
  for (const { start, end } of tokens(sql)) words.add(unquoted(sql.slice(start, end)).toLowerCase());
  return words;
}

/** Returns the tokens of a statement: words in capitals, quoted ones without their quotes and as they are written. */
export function unquotedTokens(sql: string): string[] {
  const parts: string[] = [];
  for (const { text, start, end } of tokens(sql)) parts.push(text === "'" ? unquoted(sql.slice(start, end)) : text);
  return parts;
}

const QUOTE_OR_COMMENT = /["'`[]|--|\/\*/g;

/** Found in a text whose double quotes do not all belong to plain names. Most SQL that Drizzle writes has none of it. */
const NOT_PLAIN = /['`[]|""|--|\/\*/;

/**
 * The same SQL with every `"name"` written as `` `name` ``. SQLite takes a double-quoted name that names nothing for a
 * text where its library allows that, and a name in backquotes never. https://sqlite.org/quirks.html#dblquote
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

/** What a statement does, and to which table. */
export interface StatementAction {
  /** The words that say it, as `CREATE INDEX` or `INSERT`; empty for text that begins with none of SQL's verbs. */
  readonly verb: string;
  /** The table that it makes, changes or drops, or whose index or trigger it makes. */
  readonly table?: string;
}

const VERBS = new Set(['INSERT', 'REPLACE', 'UPDATE', 'DELETE', 'SELECT', 'CREATE', 'DROP', 'ALTER', 'PRAGMA']);
const OBJECTS = new Set(['TABLE', 'INDEX', 'TRIGGER', 'VIEW']);

/** The word behind which the table's name stands, by what the statement does. */
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

/** Words between that one and the name: `IF NOT EXISTS`, `OR REPLACE`. */
const BETWEEN = new Set(['IF', 'NOT', 'EXISTS', 'OR', 'ROLLBACK', 'ABORT', 'REPLACE', 'FAIL', 'IGNORE']);

/** Reads the beginning of a statement: enough to tell a person what is being done, and nothing of the values. */
export function actionOf(statement: string): StatementAction {
  let depth = 0;
  let verb = '';
  let isNext = false;
  let table: string | undefined;
  for (const { text, start, end } of tokens(statement)) {
    // What was taken for the table is its schema where a dot follows.
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
