import { existsSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import colors from 'picocolors';
import { realFile } from '../../core/file.ts';
import { formatBytes } from '../../core/format.ts';
import { health } from '../../health/health.ts';
import type { HealthFinding, HealthReport, HealthSeverity } from '../../health/report.ts';
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
    .option('--quick', 'read every page once too')
    .option('--deep', 'read everything, compare indexes with tables, follow foreign keys')
    .addHelpText(
      'after',
      '\nExit codes: 0 all is well, 3 warnings, 1 errors.\n\nExamples:\n  dork-db doctor\n  dork-db doctor --deep --json',
    )
    .action(runDoctor);
}

async function runDoctor(options: Options): Promise<void> {
  const filename = realFile(existingFile(options));
  const wasClosed = !existsSync(`${filename}-wal`);
  const report = await examine(options);
  if (wasClosed) await removeSidecars(filename);
  process.exitCode = EXIT_CODES[report.severity];
  if (options.json) printJson(report);
  else print(describe(report));
}

async function examine(options: Options): Promise<HealthReport> {
  using db = await openExisting(options, { readonly: true });
  return health(db, { deep: options.deep ? true : options.quick ? 'quick' : false });
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
