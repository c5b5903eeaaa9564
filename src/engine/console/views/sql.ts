import { formatBytes } from '../../format.ts';
import { askOnce, LIMIT_MS, LIMIT_ROWS } from '../ask.ts';
import type { Block } from '../blocks.ts';
import type { Look } from '../view.ts';
import { shownCell } from './rows.ts';

/** Returns the form for a statement. */
export function sqlForm(sql: string): Block {
  return {
    kind: 'form',
    title: 'Ask',
    view: 'file',
    button: 'Run',
    fields: [{ name: 'sql', label: 'One SELECT, up to 200 rows and 5 seconds', value: sql, isLong: true }],
  };
}

/** Returns the result of the form's statement. */
export async function sqlBlocks({ db, filename, params }: Look): Promise<Block[]> {
  const { sql = '' } = params;
  const back: Block = { kind: 'links', title: 'Tables', links: [{ text: 'all of the file', to: 'file' }] };
  if (sql.trim() === '') return [back, sqlForm('')];
  const answer = await askOnce(db.$client.adapter, filename, sql);
  if ('problem' in answer) return [back, sqlForm(sql), { kind: 'verdict', tone: 'error', text: answer.problem }];
  const { columns, rows, isCut, durationMs, bytes } = answer;
  return [
    back,
    sqlForm(sql),
    {
      kind: 'table',
      title: 'Answer',
      columns: columns.map((name) => ({ name })),
      rows: rows.map((row) => row.map(shownCell)),
      empty: 'No row.',
      note: `${rows.length} ${rows.length === 1 ? 'row' : 'rows'}${isCut ? `, the first ${LIMIT_ROWS}` : ''}, ${formatBytes(bytes)}, in ${Math.round(durationMs)} ms. It would have been ended after ${LIMIT_MS / 1000} seconds.`,
    },
  ];
}
