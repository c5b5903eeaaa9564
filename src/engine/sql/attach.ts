import { tokens, unquoted } from './sql-text.ts';

/** The file of an ATTACH: its name, or the expression of its name. */
export type AttachedFile = { readonly name: string } | { readonly expression: string };

/** Returns which file a statement attaches; undefined for any other statement. https://sqlite.org/lang_attach.html */
export function attachedFile(sql: string): AttachedFile | undefined {
  const all = [...tokens(sql)].filter(({ text }) => text !== ';');
  if (all[0]?.text !== 'ATTACH') return undefined;
  const from = all[1]?.text === 'DATABASE' && all[2]?.text !== 'AS' ? 2 : 1;
  const to = all.findLastIndex(({ text }) => text === 'AS');
  const [first, last] = [all[from], all[to - 1]];
  if (!first || !last || to <= from) return undefined;
  const expression = sql.slice(first.start, last.end);
  const isName = first === last && (first.text === "'" || /^[A-Z_]/.test(first.text));
  // SQLite takes a name, quoted or not, for a text here.
  return isName ? { name: first.text === "'" ? quotedText(expression) : expression } : { expression };
}

function quotedText(text: string): string {
  return text.startsWith("'") ? text.slice(1, -1).replaceAll("''", "'") : unquoted(text);
}
