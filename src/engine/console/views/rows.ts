import type { Cell } from '../../rows/cells.ts';
import { addressOf, type Block, type Value } from '../blocks.ts';
import type { Look } from '../view.ts';

const LIMIT = 50;

/** A page of a table, the choice of another one, and a filter by a column with an index. */
export function rowBlocks({ kit, db, params }: Look): Block[] {
  const { table = '', column, value = '', after } = params;
  const filter = column ? { column, value } : {};
  const page = kit.readRows(db, table, { limit: LIMIT, after, ...filter });
  const tables = kit.activity(db).tables;
  const here = { table, ...filter };
  return [
    {
      kind: 'links',
      title: 'Tables',
      links: [
        { text: 'all of the file', to: 'file' },
        ...tables.map(({ name }) => ({
          text: name,
          to: addressOf('file', { table: name }),
          isCurrent: name === table,
        })),
      ],
    },
    ...(page.filters.length === 0
      ? []
      : [
          {
            kind: 'form' as const,
            title: 'Filter',
            view: 'file',
            button: 'Show',
            fields: [
              { name: 'table', label: '', value: table, isHidden: true },
              { name: 'column', label: 'Column', value: column ?? '', choices: ['', ...page.filters] },
              { name: 'value', label: 'is exactly', value },
            ],
          },
        ]),
    {
      kind: 'table',
      title: table,
      columns: page.columns.map(({ name }) => ({ name })),
      rows: page.rows.map((row) => row.map(shownCell)),
      empty: column ? 'No row has this value.' : 'It is empty.',
      note: 'Newest first. Filters are by columns that an index begins with; the line on the page of the file asks anything.',
      links: [
        ...(after === undefined ? [] : [{ text: 'first rows', to: addressOf('file', here) }]),
        ...(page.next === undefined
          ? []
          : [{ text: `next ${LIMIT} rows`, to: addressOf('file', { ...here, after: page.next }) }]),
      ],
    },
  ];
}

/** Numbers are text here, so that every digit is shown. */
export function shownCell({ type, text, bytes, isCut }: Cell): Value {
  if (type === 'null') return null;
  if (type === 'blob') return { value: `${text}${isCut ? '…' : ''} (${bytes} bytes)`, unit: 'code' };
  const unit = type === 'text' ? 'text' : 'code';
  return isCut ? { value: `${text}… (${bytes} bytes)`, unit, isCut } : { value: text, unit };
}
