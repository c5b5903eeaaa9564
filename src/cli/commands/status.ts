import { existsSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { databasePath, defaultDbPath } from '../../core/path.ts';
import { type CommonOptions, loadApi } from '../context.ts';
import { formatBytes, formatTable, plural, print, printJson } from '../output.ts';

export function addStatus(add: (name: string) => Command): void {
  add('status')
    .description('say what the file holds and which migrations it has; writes nothing')
    .addHelpText('after', '\nExamples:\n  dork-db status\n  dork-db status --json')
    .action(runStatus);
}

async function runStatus(options: CommonOptions): Promise<void> {
  const { createDb, migrationStatus } = await loadApi();
  const filename = databasePath(options.db ?? defaultDbPath());
  const { rows, ...status } = migrationStatus(filename);
  using memory = createDb(':memory:', { migrations: 'skip' });
  const report = {
    ...status,
    exists: existsSync(filename),
    bytes: sizeOf(filename),
    walBytes: sizeOf(`${filename}-wal`),
    sqliteVersion: memory.$client.sqliteVersion,
    driver: memory.$client.driver,
    driverVersion: memory.$client.driverVersion,
    runtime: process.versions.bun ? `Bun ${process.versions.bun}` : `Node ${process.versions.node}`,
    rows,
  };
  if (options.json) return printJson(report);
  print(describe(report));
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

interface StatusReport {
  readonly filename: string;
  readonly exists: boolean;
  readonly bytes: number;
  readonly walBytes: number;
  readonly sqliteVersion: string;
  readonly driver: string;
  readonly driverVersion: string;
  readonly runtime: string;
  readonly applied: readonly { readonly tag: string; readonly appliedAt?: string }[];
  readonly pending: readonly string[];
  readonly problem?: { readonly message: string; readonly hint: string };
  readonly drift: readonly { readonly kind: string; readonly type: string; readonly name: string }[];
  readonly rows: Readonly<Record<string, number>>;
}

function describe(report: StatusReport): string {
  const file = report.exists
    ? `${report.filename}: ${formatBytes(report.bytes)}, -wal ${formatBytes(report.walBytes)}`
    : `${report.filename} does not exist yet; dork-db migrate creates it.`;
  const lines = [
    file,
    `SQLite ${report.sqliteVersion} through ${report.driver} ${report.driverVersion} on ${report.runtime}.`,
    `${plural(report.applied.length, 'migration')} applied, ${report.pending.length} pending${report.pending.length > 0 ? `: ${report.pending.join(', ')}` : ''}.`,
    ...report.applied.map(({ tag, appliedAt }) => `  ${tag}${appliedAt ? `  ${appliedAt}` : ''}`),
    ...(report.problem ? [report.problem.message, report.problem.hint] : []),
    ...report.drift.map(({ kind, type, name }) => `Drift: ${kind} ${type} ${name}`),
  ];
  const tables = Object.entries(report.rows);
  if (tables.length > 0) lines.push('', formatTable(['table', 'rows'], tables));
  return lines.join('\n');
}
