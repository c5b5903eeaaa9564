/** bun run tables: writes docs/tables.md, every table with its columns, from the schema and its comments. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getTableConfig, type SQLiteColumn, type SQLiteTable } from 'drizzle-orm/sqlite-core';
import ts from 'typescript';

const root = join(import.meta.dirname, '..');
/** Where the page is. */
export const PAGE = join(root, 'docs', 'tables.md');

/** The rooms that have tables, with what each is for. */
const ROOMS = {
  pulse: 'Pulse: schedules and their runs',
  relay: 'Relay: the index of messages, and their traces',
  mesh: 'Mesh: agents, denials and call limits',
  legacy: 'What was imported from an older DorkOS',
} as const;

const INTRO = `# Tables

Every table of \`dork.db\` with its columns. \`bun run tables\` writes this page from the schema and its comments.

- Times of type TEXT are ISO 8601 in UTC with milliseconds, e.g. \`2026-11-29T07:03:28.123Z\`.
- Times of type INTEGER are Unix milliseconds, and names that end in \`_ms\` are durations in milliseconds.
- JSON is TEXT. A boolean is INTEGER 0 or 1.
- Names that begin with \`__\` are the ledger of the migrations; see \`docs/schema.md\`.
`;

/** The doc comments of a file: of exported names, and of the properties of their object literals. */
function commentsOf(file: string): Map<string, string> {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const comments = new Map<string, string>();
  const textOf = (node: ts.Node) =>
    ts
      .getJSDocCommentsAndTags(node)
      .filter(ts.isJSDoc)
      .map((doc) => ts.getTextOfJSDocComment(doc.comment) ?? '')
      .join(' ')
      .replaceAll(/\s+/g, ' ')
      .trim();
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    const [declaration] = statement.declarationList.declarations;
    if (!declaration || !ts.isIdentifier(declaration.name)) continue;
    const table = declaration.name.text;
    comments.set(table, textOf(statement));
    const visit = (node: ts.Node): void => {
      if (ts.isPropertyAssignment(node) && node.parent.parent === declaration.initializer)
        comments.set(`${table}.${node.name.getText()}`, textOf(node));
      ts.forEachChild(node, visit);
    };
    visit(declaration);
  }
  return comments;
}

function isTable(value: unknown): value is SQLiteTable {
  return typeof value === 'object' && value !== null && Symbol.for('drizzle:IsDrizzleTable') in value;
}

/** Returns how a column's default reads. */
function defaultOf({ default: value, hasDefault }: SQLiteColumn): string {
  if (!hasDefault || value === undefined) return '';
  if (typeof value === 'object' && value !== null) return 'computed';
  return `\`${typeof value === 'boolean' ? Number(value) : value}\``;
}

function tableText(name: string, table: SQLiteTable, comments: Map<string, string>): string {
  const config = getTableConfig(table);
  const keys = new Set([
    ...config.columns.filter(({ primary }) => primary),
    ...config.primaryKeys.flatMap(({ columns }) => columns),
  ]);
  const parents = new Map(
    config.foreignKeys.map((key) => {
      const { columns, foreignColumns, foreignTable } = key.reference();
      return [columns[0]?.name, `${getTableConfig(foreignTable).name}.${foreignColumns[0]?.name}`];
    }),
  );
  const properties = Object.entries(table).filter(([, value]) => config.columns.includes(value as SQLiteColumn));
  const rows = properties.map(([property, value]) => {
    const column = value as SQLiteColumn;
    const parent = parents.get(column.name);
    const meaning = [
      keys.has(column) ? 'Primary key.' : '',
      parent ? `A \`${parent}\`.` : '',
      comments.get(`${name}.${property}`) ?? '',
      column.enumValues ? `One of ${column.enumValues.map((each) => `\`${each}\``).join(', ')}.` : '',
    ];
    return [
      `\`${column.name}\``,
      column.getSQLType().toUpperCase(),
      column.notNull || keys.has(column) ? '' : 'yes',
      defaultOf(column),
      meaning.filter(Boolean).join(' ').replaceAll('|', '\\|'),
    ];
  });
  return [
    `### ${config.name}`,
    '',
    comments.get(name) ?? '',
    '',
    '| column | type | NULL | default | meaning |',
    '|---|---|---|---|---|',
    ...rows.map((row) => `| ${row.join(' | ')} |`.replaceAll(/ {2,}/g, ' ')),
    '',
  ].join('\n');
}

/** Returns the page. */
export async function tablesPage(): Promise<string> {
  const parts = [INTRO];
  for (const [room, title] of Object.entries(ROOMS)) {
    const file = join(root, 'src', 'dork', room, 'schema.ts');
    const comments = commentsOf(file);
    parts.push(`## ${title}\n`);
    for (const [name, value] of Object.entries(await import(file))) {
      if (isTable(value)) parts.push(tableText(name, value, comments));
    }
  }
  return parts.join('\n');
}

if (import.meta.main) {
  writeFileSync(PAGE, await tablesPage());
  console.log(`The tables are in ${PAGE}`);
}
