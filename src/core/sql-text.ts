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

/** Words and punctuation of SQL, without white space and comments; a quoted string or name is one token `'`. */
function* tokens(sql: string): Generator<Token> {
  let i = 0;
  while (i < sql.length) {
    const c = sql.charAt(i);
    const space = skip(SPACE, sql, i);
    if (space > i) i = space;
    else if (c === '-' && sql[i + 1] === '-') {
      const end = sql.indexOf('\n', i);
      i = end < 0 ? sql.length : end + 1;
    } else if (c === '/' && sql[i + 1] === '*') {
      const end = sql.indexOf('*/', i + 2);
      i = end < 0 ? sql.length : end + 2;
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
    const isTrigger = head[0] === 'CREATE' && head.slice(1, 3).includes('TRIGGER');
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

/** How many parameters a statement takes that names none of them: `?` and `?3`. https://sqlite.org/lang_expr.html#varparam */
export function countParameters(statement: string): number {
  let count = 0;
  let mark: number | undefined;
  for (const { text, start, end } of tokens(statement)) {
    const number = mark === start && /^\d+$/.test(text) ? Number(text) : undefined;
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
