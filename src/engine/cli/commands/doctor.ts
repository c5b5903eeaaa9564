import colors from 'picocolors';
import type { Schema } from '../../connection/db.ts';
import { DorkDbError } from '../../errors.ts';
import { realFile } from '../../file/file.ts';
import { isThere } from '../../file/fs.ts';
import { shellQuoted } from '../../file/path.ts';
import { bytesOf } from '../../file/wal.ts';
import { formatBytes } from '../../format.ts';
import { type HealthFinding, type HealthReport, type HealthSeverity, worst } from '../../health/report.ts';
import type { Call, Command } from '../command.ts';
import { EXIT_CODE } from '../exit-codes.ts';
import { guarded } from '../interrupt.ts';
import { formatTable, plural } from '../output.ts';
import { healthProgress, waiting } from '../progress.ts';
import { removeSidecars } from '../sidecars.ts';
import { isCommand } from '../wrap.ts';

interface Options {
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

export const doctor: Command = {
  name: 'doctor',
  group: 'Look',
  description: 'check the file and everything next to it, with hints; changes nothing',
  options: {
    '--quick': 'also read every page once; without it, only if the file has up to 64 MB',
    '--deep': 'read everything, compare indexes with tables, follow foreign keys, and read the newest backup',
  },
  help: 'Exit codes: 0 no findings, 3 warnings, 1 errors.',
  examples: ['doctor', 'doctor --deep --json'],
  run: runDoctor,
};

async function runDoctor(call: Call<Schema, Options>): Promise<void> {
  const filename = realFile(call.existingFile());
  const wasClosed = !isThere(`${filename}-wal`);
  const tidy = () => {
    if (wasClosed) removeSidecars(call.kit, filename);
  };
  const isLarge = bytesOf(filename) > READ_WHOLE_BYTES;
  const { deep, quick } = call.options;
  // Ctrl-C ends a statement only by ending its process.
  const cleanUp = async () => {
    tidy();
    return `${filename} was not changed.`;
  };
  if (isLarge && (deep || quick) && (await guarded(cleanUp))) return;
  const report = await examine(call);
  tidy();
  process.exitCode = EXIT_CODES[report.severity];
  call.print(report, () => describe(report, call.command));
}

/** Files up to this size are read whole by default, because that takes only a moment. */
const READ_WHOLE_BYTES = 64 * 2 ** 20;

async function examine(call: Call<Schema, Options>): Promise<HealthReport> {
  const { kit, options } = call;
  using db = call.open({ readonly: true });
  const isSmall = bytesOf(db.$client.filename) <= READ_WHOLE_BYTES;
  using progress = isSmall ? undefined : healthProgress();
  const report = kit.health(db, {
    deep: options.deep ? true : options.quick || isSmall ? 'quick' : false,
    onProgress: progress?.onProgress,
  });
  progress?.[Symbol.dispose]();
  const findings = [
    ...(report.depth === 'usual' ? [notRead(call.command)] : []),
    ...(options.deep ? await readBackup(kit, report) : []),
  ];
  const all = [...report.findings, ...findings];
  return { ...report, findings: all, severity: worst(all.map(({ severity }) => severity)) };
}

const notRead = (command: string): HealthFinding => ({
  check: 'integrity',
  severity: 'info',
  fact: 'The content was not read, since the file has more than 64 MB.',
  hint: `${command} doctor --quick reads every page; --deep compares indexes with tables too.`,
});

/** Reads the newest backup whole. */
async function readBackup(kit: Call['kit'], { newestBackup }: HealthReport): Promise<HealthFinding[]> {
  if (!newestBackup) return [];
  const { path } = newestBackup;
  try {
    await waiting('reading the newest backup', kit.verifyBackup(path, { deep: true }));
    return [{ check: 'backups', severity: 'ok', fact: `The newest backup was read whole and is good: ${path}.` }];
  } catch (error) {
    if (!(error instanceof DorkDbError)) throw error;
    const hint = 'Make a new backup, and keep this one out of the folder.';
    return [{ check: 'backups', severity: 'error', fact: error.message, hint }];
  }
}

function describe(report: HealthReport, command: string): string {
  const isWell = report.severity === 'ok' || report.severity === 'info';
  const state = COLORS[report.severity](isWell ? 'all is well' : report.severity);
  const lines = [`${report.filename}: ${state}`, ''];
  for (const finding of report.findings) lines.push(...lineOf(finding));
  const objects = report.size?.objects ?? [];
  if (objects.length > 0) {
    const largest = objects.slice(0, LARGEST).map(({ name, type, bytes }) => [name, type, formatBytes(bytes)]);
    lines.push('', formatTable(['largest', 'type', 'size'], largest));
  }
  return [...lines, '', ...verdictOf(report, command)].join('\n');
}

/** The last lines, which a terminal still shows: how it is, and the one thing to do next. */
function verdictOf(report: HealthReport, command: string): string[] {
  const { severity, findings } = report;
  const serious = findings.filter((each) => each.severity === severity && severity !== 'ok' && severity !== 'info');
  const first = serious.find(({ hint }) => hint !== undefined && isCommand(hint)) ?? serious[0];
  if (!first) return [COLORS.ok('All is well.')];
  const verdict = COLORS[severity](plural(serious.length, severity));
  const next = isDamage(first) ? rescue(report, command) : first.hint;
  return [`${verdict}: ${first.fact}`, ...(next ? [`${colors.bold('Next:')} ${next}`] : [])];
}

const isDamage = ({ check, severity }: HealthFinding) => check === 'integrity' && severity === 'error';

/** Returns what to type if the file is damaged: with a good backup another command than without. */
function rescue({ filename, findings, newestBackup }: HealthReport, command: string): string {
  const isBackupGood = newestBackup && !findings.some((each) => each.check === 'backups' && each.severity === 'error');
  const words = isBackupGood ? `restore ${shellQuoted(newestBackup.path)}` : 'recover';
  return `stop every process that writes to it, then type\n  ${command} ${words} --db ${shellQuoted(filename)}`;
}

/** Tables and indexes that are shown; `--json` has them all. */
const LARGEST = 10;

function lineOf({ severity, fact, hint }: HealthFinding): string[] {
  const label = COLORS[severity](severity.padEnd(7));
  return hint && severity !== 'ok'
    ? [`${label}  ${fact}`, `         ${colors.bold('Try:')} ${hint}`]
    : [`${label}  ${fact}`];
}
