import { unquotedTokens } from './sql-text.ts';

/** The options of a full-text table that concern the place of its text. */
interface FullTextOptions {
  /** The table with the text; empty if it is nowhere, undefined if it is in the full-text table itself. */
  readonly content: string | undefined;
  /** The column of that table that identifies a row. */
  readonly contentRowid: string;
  /** True if the number of words of each row is stored. */
  readonly hasSizes: boolean;
}

/** Reads the options from the SQL of a virtual table; returns undefined for one that is not a full-text table. */
export function fullTextOptions(createVirtualTable: string): FullTextOptions | undefined {
  const parts = unquotedTokens(createVirtualTable);
  const using = parts.indexOf('USING');
  if (!/^FTS[345]$/i.test(parts[using + 1] ?? '')) return undefined;
  const option = (name: string) => {
    const at = parts.findIndex((part, i) => part === name && i > using && parts[i + 1] === '=');
    return at < 0 ? undefined : parts[at + 2];
  };
  return {
    content: option('CONTENT'),
    contentRowid: option('CONTENT_ROWID') ?? 'rowid',
    hasSizes: option('COLUMNSIZE') !== '0',
  };
}
