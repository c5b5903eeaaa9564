import type { Cell } from '../../rows/cells.ts';
import { addressOf, type Block, type Value } from '../blocks.ts';
import type { Look } from '../view.ts';

const LIMIT = 50;

/** Returns a page of a table, links to the other tables, and a filter by an indexed column. */
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
      note: 'Newest first. You can filter by the first column of an index. “Ask” on the page File runs any query.',
      links: [
        ...(after === undefined ? [] : [{ text: 'first rows', to: addressOf('file', here) }]),
        ...(page.next === undefined
          ? []
          : [{ text: `next ${LIMIT} rows`, to: addressOf('file', { ...here, after: page.next }) }]),
      ],
    },
  ];
}

/** Returns a cell as a value. Numbers are shown as text, with every digit. */
export function shownCell({ type, text, bytes, isCut }: Cell): Value {
  if (type === 'null') return null;
  if (type === 'blob') return { value: `${text}${isCut ? '…' : ''} (${bytes} bytes)`, unit: 'code' };
  const unit = type === 'text' ? 'text' : 'code';
  return isCut ? { value: `${text}… (${bytes} bytes)`, unit, isCut } : { value: text, unit };
}
