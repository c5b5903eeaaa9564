import { statSync } from 'node:fs';
import type { Command } from 'commander';
import colors from 'picocolors';
import { DorkDbError } from '../../engine/errors.ts';
import { realFile } from '../../engine/file/file.ts';
import { isThere } from '../../engine/file/fs.ts';
import { bytesOf } from '../../engine/file/wal.ts';
import { formatBytes } from '../../engine/format.ts';
import { health } from '../../engine/health/health.ts';
import { type HealthFinding, type HealthReport, type HealthSeverity, worst } from '../../engine/health/report.ts';
import { type CommonOptions, loadApi } from '../context.ts';
import { EXIT_CODE } from '../exit-codes.ts';
import { existingFile, openExisting } from '../open-existing.ts';
import { formatTable, print, printJson } from '../output.ts';

interface Options extends CommonOptions {
  readonly deep?: boolean;
  readonly quick?: boolean;
}

/** The exit code by the worst finding. */
const EXIT_CODES: Record<HealthSeverity, number> = {
  ok: EXIT_CODE.done,
  info: EXIT_CODE.done,
  warning: EXIT_CODE.look,
  error: EXIT_CODE.failed,
};

const COLORS: Record<HealthSeverity, (text: string) => string> = {
  ok: colors.green,
  info: colors.cyan,
  warning: colors.yellow,
  error: colors.red,
};

export function addDoctor(add: (name: string) => Command): void {
  add('doctor')
    .description('say what is well with the file and what is not, and what to do; changes nothing')
    .option('--quick', 'read every page once too; without it, only of a file of up to 64 MB')
    .option('--deep', 'read everything, compare indexes with tables, follow foreign keys, and read the newest backup')
    .addHelpText(
      'after',
      '\nExit codes: 0 all is well, 3 warnings, 1 errors.\n\nExamples:\n  dork-db doctor\n  dork-db doctor --deep --json',
    )
    .action(runDoctor);
}

async function runDoctor(options: Options): Promise<void> {
  const filename = realFile(existingFile(options));
  const wasClosed = !isThere(`${filename}-wal`);
  const report = await examine(options);
  if (wasClosed) await removeSidecars(filename);
  process.exitCode = EXIT_CODES[report.severity];
  if (options.json) printJson(report);
  else print(describe(report));
}

/** Files up to this size are read whole without being asked to: that takes a moment. */
const READ_WHOLE_BYTES = 64 * 2 ** 20;

async function examine(options: Options): Promise<HealthReport> {
  using db = await openExisting(options, { readonly: true });
  const isSmall = bytesOf(db.$client.filename) <= READ_WHOLE_BYTES;
  const report = health(db, { deep: options.deep ? true : options.quick || isSmall ? 'quick' : false });
  const findings = [...(report.depth === 'usual' ? [NOT_READ] : []), ...(options.deep ? await readBackup(report) : [])];
  const all = [...report.findings, ...findings];
  return { ...report, findings: all, severity: worst(all.map(({ severity }) => severity)) };
}

const NOT_READ: HealthFinding = {
  check: 'integrity',
  severity: 'info',
  fact: 'The content was not read, since the file has more than 64 MB.',
  hint: 'dork-db doctor --quick reads every page; --deep compares indexes with tables too.',
};

/** Reads the newest backup whole. */
async function readBackup({ newestBackup }: HealthReport): Promise<HealthFinding[]> {
  if (!newestBackup) return [];
  const { path } = newestBackup;
  try {
    const { verifyBackup } = await loadApi();
    await verifyBackup(path, { deep: true });
    return [{ check: 'backups', severity: 'ok', fact: `The newest backup was read whole and is good: ${path}.` }];
  } catch (error) {
    if (!(error instanceof DorkDbError)) throw error;
    const hint = 'Make a new backup, and keep this one out of the folder.';
    return [{ check: 'backups', severity: 'error', fact: error.message, hint }];
  }
}

/**
 * A read-only connection leaves an empty -wal and a -shm behind; one that may write takes them away when it closes, if
 * it is the last.
 */
async function removeSidecars(filename: string): Promise<void> {
  if (statSync(`${filename}-wal`, { throwIfNoEntry: false })?.size !== 0) return;
  try {
    const { createDb } = await loadApi();
    // Nothing is asked of it: a connection that was used gathers statistics when it closes.
    createDb(filename, { migrations: 'skip' }).$client.close();
  } catch {
    // Who cannot write the file leaves them; they are empty and do no harm.
  }
}

function describe(report: HealthReport): string {
  const lines = [`${report.filename}: ${COLORS[report.severity](report.severity)}`, ''];
  for (const finding of report.findings) lines.push(...lineOf(finding));
  const objects = report.size?.objects ?? [];
  if (objects.length > 0) {
    const largest = objects.slice(0, LARGEST).map(({ name, type, bytes }) => [name, type, formatBytes(bytes)]);
    lines.push('', formatTable(['largest', 'type', 'size'], largest));
  }
  return lines.join('\n');
}

/** Tables and indexes that are shown; `--json` has them all. */
const LARGEST = 10;

function lineOf({ severity, fact, hint }: HealthFinding): string[] {
  const label = COLORS[severity](severity.padEnd(7));
  return hint && severity !== 'ok'
    ? [`${label}  ${fact}`, `         ${colors.bold('Try:')} ${hint}`]
    : [`${label}  ${fact}`];
}
