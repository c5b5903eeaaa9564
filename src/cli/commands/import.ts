import { basename, dirname } from 'node:path';
import type { MoveReleaseAside } from '../../dork/legacy/aside.ts';
import { importLegacy } from '../../dork/legacy/import.ts';
import { type ImportReceipt, LISTED_ROWS, type SourceReceipt } from '../../dork/legacy/receipt.ts';
import { OLDER_DORKOS } from '../../dork/legacy/recognise.ts';
import type { Call, Command } from '../../engine/cli/command.ts';
import { FROM_EXPORT, runImportExport } from '../../engine/cli/commands/import.ts';
import { EXIT_CODE } from '../../engine/cli/exit-codes.ts';
import { withHolders } from '../../engine/cli/in-words.ts';
import {
  formatCount,
  formatDuration,
  formatTable,
  plural,
  printError,
  withVerdictLast,
} from '../../engine/cli/output.ts';
import type { Schema } from '../../engine/connection/db.ts';
import { DatabaseBusyError, DorkDbError, type ImportError } from '../../engine/errors.ts';
import { asidesOf } from '../../engine/file/aside.ts';
import { isThere } from '../../engine/file/fs.ts';
import { MEMORY } from '../../engine/file/path.ts';
import { importProgress } from '../progress.ts';

interface Options {
  readonly from?: string;
  readonly fromExport?: string;
  readonly dryRun?: boolean;
  readonly keepOrphans?: boolean;
}

/** Rows that do not fit are shown one by one up to this number; `--json` and `legacy_imports` have more. */
const SHOWN_ROWS = 10;

/** @param moveReleaseAside Of the driver. */
export const importOlder = (moveReleaseAside: MoveReleaseAside): Command => ({
  name: 'import',
  group: 'Copies',
  description:
    'bring everything from a DorkOS release’s dork.db and the older files; schedules.json, pulse.db, relay/index.db, mesh/mesh.db',
  options: {
    '--from <home>': 'the folder of the older DorkOS, or a release’s dork.db (default: $DORK_HOME, else ~/.dork)',
    '--from-export <folder>': { description: FROM_EXPORT, conflicts: ['from', 'dryRun', 'keepOrphans'] },
    '--dry-run': 'show what would be imported; writes nothing',
    '--keep-orphans': 'attach runs without a schedule to a paused, disabled one with the same id',
  },
  names: { from: '--from-export', to: '--db' },
  help:
    'A release’s dork.db at the path of the new file is first renamed; nobody may have it open.\n' +
    'The older files are never changed. Run it as often as you like: it imports new rows, and keeps what was changed here.\n' +
    'Exit code 1 if a file could not be imported; the other files are imported.',
  examples: [
    'import --dry-run',
    'import',
    'import --from /backup/.dork --db ./dork.db --json',
    'import --from-export ./dork-export --db ./new.db',
  ],
  run: (call: Call<Schema, Options>) => runImport(call, moveReleaseAside),
});

async function runImport(call: Call<Schema, Options>, moveReleaseAside: MoveReleaseAside): Promise<void> {
  if (call.options.fromExport !== undefined) return runImportExport(call, call.options.fromExport);
  const { kit, filename } = call;
  const { from, dryRun = false, keepOrphans = false } = call.options;
  const moved = dryRun || from !== undefined ? undefined : moveReleaseAside(filename);
  // A dry run moves, creates and migrates nothing: a missing file is treated as an empty one.
  const isAtPath = dryRun && from === undefined && isReleaseAt(call);
  const isEmpty = isAtPath || (dryRun && !isThere(filename));
  using db = isEmpty
    ? kit.createDb(MEMORY)
    : kit.createDb(call.givenPath, { migrations: dryRun ? 'require' : 'apply' });
  using progress = importProgress();
  const home = from ?? (isAtPath || asidesOf(filename).length > 0 ? dirname(filename) : undefined);
  const imported = importLegacy(db, { home, dryRun, keepOrphans, ...progress });
  const receipt = { ...imported, filename, ...(moved !== undefined && { moved }) };
  progress[Symbol.dispose]();
  if (receipt.failed > 0) process.exitCode = EXIT_CODE.failed;
  const first = moved === undefined ? '' : `The dork.db of DorkOS was moved to ${moved}, unchanged.\n`;
  call.print(receipt, () => withVerdictLast(`${first}${describe(receipt)}`));
  if (!call.json) for (const error of differentErrors(receipt)) printError(withHolder(error, filename), false);
}

/** Returns true if the dork.db of a release is at the path of the new file. */
function isReleaseAt({ kit, filename }: Call<Schema, Options>): boolean {
  if (!isThere(filename)) return false;
  try {
    kit.migrationStatus(filename);
    return false;
  } catch (error) {
    if (error instanceof DorkDbError && error.code === OLDER_DORKOS) return true;
    throw error;
  }
}

/** Returns the error of a locked database with the process that holds the lock, which matters more than the file. */
function withHolder(error: ImportError, filename: string): DorkDbError {
  return error.cause instanceof DatabaseBusyError ? withHolders(error.cause, () => filename) : error;
}

/** One error for each cause: if the database itself cannot be written, every file fails for the same reason. */
function differentErrors({ sources }: ImportReceipt): Iterable<ImportError> {
  const errors = new Map<string, ImportError>();
  for (const { error } of sources) {
    if (!error) continue;
    const { code, cause } = error;
    const isOfDatabase = cause instanceof DorkDbError && cause.code === code;
    const key = isOfDatabase ? cause.message : error.message;
    if (!errors.has(key)) errors.set(key, error);
  }
  return errors.values();
}

function describe(receipt: ImportReceipt): string {
  const { home, filename, dryRun, sources, startedAt, finishedAt } = receipt;
  const found = sources.filter(({ status }) => status !== 'missing');
  if (found.length === 0) return `${home} holds none of the older files. There is nothing to import.`;
  const duration = formatDuration(Date.parse(finishedAt) - Date.parse(startedAt));
  const count = receipt.imported + receipt.updated;
  const title = dryRun
    ? `${filename}: ${plural(count, 'row')} of ${home} would be imported; nothing was written.`
    : `${filename}: imported ${plural(count, 'row')} of ${home} in ${duration}. The older files were not changed.`;
  return [title, '', tableOf(sources), ...notesOf(found)].join('\n');
}

/** A column in which every figure is 0 is left out; `--json` has them all. */
function tableOf(sources: readonly SourceReceipt[]): string {
  const head = ['source', 'version', 'read', 'imported', 'updated', 'already there', 'deleted since', 'set aside'];
  const rows = sources.map(({ status, version, ...counts }) => [
    nameOf(counts),
    status === 'imported' ? `${version ?? '-'}` : status,
    counts.read,
    counts.imported,
    counts.updated,
    counts.alreadyThere,
    counts.deletedSince,
    counts.setAside,
  ]);
  const isShown = head.map((name, i) => name === 'read' || rows.some((row) => row[i] !== 0));
  const shown = <T>(cells: readonly T[]) => cells.filter((_, i) => isShown[i]);
  return formatTable(shown(head), rows.map(shown));
}

/** There may be several dork.db files of releases, each with a name of its own. */
function nameOf({ source, path }: Pick<SourceReceipt, 'source' | 'path'>): string {
  return source === 'dork.db' ? basename(path) : source;
}

function notesOf(sources: readonly SourceReceipt[]): string[] {
  const adjusted = sources.flatMap((source) => source.adjusted);
  const reasons = sources.flatMap((source) => source.setAsideReasons);
  const rows = sources.flatMap((source) => source.setAsideRows);
  const notRead = sources.flatMap((source) => source.notRead.map((name) => `${nameOf(source)}: ${name}`));
  return [
    ...section('Adjusted:', adjusted, ({ table, rule, rows: n }) => `${table}: ${rule}, ${plural(n, 'row')}`),
    ...section('Set aside, and left in the older files:', reasons, (each) => {
      return `${each.table}: ${each.reason}, ${plural(each.rows, 'row')}`;
    }),
    ...rows
      .slice(0, SHOWN_ROWS)
      .map(({ table, row, id }) => `    ${table} row ${row}${id === null ? '' : `, id ${id}`}`),
    ...(rows.length > SHOWN_ROWS
      ? [`    and more: --json lists the first ${formatCount(LISTED_ROWS)} of each file`]
      : []),
    ...section('Not read:', notRead, (name) => name),
  ];
}

function section<T>(title: string, items: readonly T[], line: (item: T) => string): string[] {
  return items.length === 0 ? [] : ['', title, ...items.map((item) => `  ${line(item)}`)];
}
