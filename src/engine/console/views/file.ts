import { backupFolder } from '../../file/copy-name.ts';
import { addressOf, type Block, type Tone } from '../blocks.ts';
import { readHistoryOf } from '../history.ts';
import type { Look, View } from '../view.ts';
import { rowBlocks } from './rows.ts';
import { sqlBlocks, sqlForm } from './sql.ts';

const EVERY_MS = 10_000;

/** The view of the file: tables and indexes, migrations, backups, and the rows of each table. */
export const fileView: View = {
  name: 'file',
  title: 'File',
  everyMs: EVERY_MS,
  isOnce: ({ sql }) => sql !== undefined,
  read: (look) => {
    if (look.params.table !== undefined) return rowBlocks(look);
    if (look.params.sql !== undefined) return sqlBlocks(look);
    return [size(look), objects(look), ...migrations(look), ...backups(look), sqlForm('')];
  },
};

function size({ kit, db, filename }: Look): Block {
  const { fileBytes, walBytes } = kit.activity(db);
  const { $client } = db;
  const read = (pragma: string) => Number($client.pragma(pragma, { simple: true }));
  return {
    kind: 'facts',
    facts: [
      { name: 'File', value: filename, unit: 'code' },
      { name: 'Size', value: fileBytes, unit: 'bytes' },
      { name: '-wal', value: walBytes, unit: 'bytes' },
      { name: 'Free', value: read('freelist_count') * read('page_size'), unit: 'bytes' },
      { name: 'Pages', value: read('page_count'), unit: 'count' },
      { name: 'SQLite', value: `${$client.sqliteVersion} (${$client.driver} ${$client.driverVersion})` },
    ],
  };
}

/** The number of tables and indexes shown at first, largest first. */
const LARGEST = 16;

function objects({ kit, db, params }: Look): Block {
  const sizes = kit.approximateSizes(db);
  const isCut = params.all === undefined && sizes.length > LARGEST;
  return {
    kind: 'table',
    title: 'Tables and indexes',
    columns: [
      { name: 'name' },
      { name: 'type' },
      { name: 'rows, about', unit: 'count' },
      { name: 'size, about', unit: 'bytes' },
      { name: 'rows counted by' },
    ],
    rows: (isCut ? sizes.slice(0, LARGEST) : sizes).map(({ name, type, table, rows, bytes, rowsFrom }) => [
      { value: name, to: addressOf('file', { table }) },
      type,
      rows,
      bytes,
      rowsFrom === null ? null : rowsFrom === 'statistics' ? 'ANALYZE' : 'greatest rowid',
    ]),
    note: 'Sizes are estimates: the number of rows times the mean length of the newest rows. The command "doctor --quick" counts every page.',
    ...(isCut && { links: [{ text: `all ${sizes.length}`, to: addressOf('file', { all: '1' }) }] }),
  };
}

const TONES: Record<string, Tone> = { applied: 'ok', pending: 'warning', unknown: 'error' };

function migrations(look: Look): Block[] {
  const { entries, problem, drift } = readHistoryOf(look.db, look.kit.definition.history);
  const timed = entries.flatMap(({ at, tag }) => (at ? [{ tag, at: Date.parse(at) }] : []));
  const first = Math.min(...timed.map(({ at }) => at));
  const blocks: Block[] = [];
  if (timed.length > 0) {
    blocks.push({
      kind: 'timeline',
      title: 'Migrations over time',
      from: first,
      to: Date.now(),
      lanes: [{ name: 'applied', items: timed.map(({ tag, at }) => ({ from: at, to: at, tone: 'ok', text: tag })) }],
    });
  }
  if (problem) blocks.push({ kind: 'findings', title: 'History', findings: [{ tone: 'error', ...problem }] });
  blocks.push(
    {
      kind: 'table',
      title: 'Migrations',
      columns: [{ name: 'migration' }, { name: 'state' }, { name: 'applied', unit: 'time' }],
      rows: entries.map(({ tag, state, at }) => [tag, { value: state, tone: TONES[state] }, at]),
      empty: 'The history has no migrations.',
    },
    {
      kind: 'table',
      title: 'Drift',
      columns: [{ name: 'object' }, { name: 'type' }, { name: 'what' }],
      rows: drift.map(({ kind, type, name }) => [
        name,
        type,
        { value: kind, tone: kind === 'extra' ? 'info' : 'warning' },
      ]),
      empty: problem ? 'Not compared.' : 'No differences: the schema matches the migrations.',
    },
  );
  return blocks;
}

function backups({ kit, filename }: Look): Block[] {
  const folder = backupFolder(filename);
  const found = kit.listBackups(folder, { database: filename });
  return [
    {
      kind: 'table',
      title: 'Backups',
      columns: [
        { name: 'file' },
        { name: 'made', unit: 'time' },
        { name: 'age', unit: 'duration' },
        { name: 'size', unit: 'bytes' },
        { name: 'migration' },
        { name: 'read back' },
      ],
      rows: found.map(({ path, at, ageMs, isAhead, bytes, migration, verified, problem }) => [
        path,
        at,
        isAhead ? { value: 'in the future', tone: 'warning' } : ageMs,
        bytes,
        migration ?? null,
        verified ? { value: 'yes', tone: 'ok' } : { value: problem ?? 'no', tone: 'error' },
      ]),
      empty: `There are no backups in ${folder}.`,
      ...(found.length > 0 && { note: 'Each was checked when it was made. The command "verify" checks one again.' }),
    },
  ];
}
