import { leadingWords, tokens } from './sql-text.ts';

/** Properties of a statement, for a driver that does not report them. */
export interface StatementKind {
  /** False for a statement that can change the file. Stricter than `sqlite3_stmt_readonly()` for some pragmas and REINDEX. */
  readonly readonly: boolean;
  /** True for INSERT, UPDATE, DELETE and REPLACE. */
  readonly writesRows: boolean;
}

const READS: StatementKind = { readonly: true, writesRows: false };
const WRITES_ROWS: StatementKind = { readonly: false, writesRows: true };
const OTHER: StatementKind = { readonly: false, writesRows: false };

const READING = new Set(['SELECT', 'VALUES']);
const WRITING = new Set(['INSERT', 'UPDATE', 'DELETE', 'REPLACE']);
const CONTROL = new Set(['COMMIT', 'END', 'ROLLBACK', 'SAVEPOINT', 'RELEASE', 'ATTACH', 'DETACH']);
/** Pragmas that write when they are run without a value. */
const WRITING_PRAGMAS = new Set(['INCREMENTAL_VACUUM', 'JOURNAL_MODE', 'WAL_CHECKPOINT', 'OPTIMIZE']);
/** Pragmas that write a field of the file's header if they have a value. */
const HEADER_PRAGMAS = new Set(['APPLICATION_ID', 'SCHEMA_VERSION', 'USER_VERSION']);

/** Returns the properties of a statement, judged by its words. */
export function statementKind(sql: string): StatementKind {
  // Enough for almost every statement; the lexer is slower.
  const [, start = ''] = /^\s*([a-z]+)/i.exec(sql) ?? [];
  const word = start.toUpperCase();
  return kindOf(word) ?? kindOfWords(sql, leadingWords(sql, 4));
}

function kindOf(word: string): StatementKind | undefined {
  if (READING.has(word)) return READS;
  return WRITING.has(word) ? WRITES_ROWS : undefined;
}

function kindOfWords(
  sql: string,
  [first = '', second = '', third = '', fourth = '']: readonly string[],
): StatementKind {
  switch (first) {
    case 'WITH':
      return kindOf(verbOfWith(sql)) ?? OTHER;
    case 'EXPLAIN': {
      const verb = second === 'QUERY' ? fourth : second;
      return READING.has(verb) || (verb === 'WITH' && READING.has(verbOfWith(sql))) ? READS : OTHER;
    }
    case 'BEGIN':
      return second === 'IMMEDIATE' || second === 'EXCLUSIVE' ? OTHER : READS;
    case 'PRAGMA': {
      const name = third === '.' ? fourth : second;
      if (WRITING_PRAGMAS.has(name) || (HEADER_PRAGMAS.has(name) && /[=(]/.test(sql))) return OTHER;
      return READS;
    }
    default:
      return kindOf(first) ?? (CONTROL.has(first) ? READS : OTHER);
  }
}

/** Returns the verb after the tables of a WITH: the word after a `)` that neither begins nor continues a table. */
function verbOfWith(sql: string): string {
  let depth = 0;
  let last = '';
  for (const { text } of tokens(sql)) {
    if (text === ')') depth--;
    if (depth === 0) {
      if (last === ')' && text !== 'AS' && text !== ',') return text;
      last = text;
    }
    if (text === '(') depth++;
  }
  return '';
}
