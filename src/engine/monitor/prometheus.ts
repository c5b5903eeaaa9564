import { InvalidInputError } from '../errors.ts';
import { objectArgument } from '../options.ts';
import type { MonitorSample } from './sample.ts';

const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

interface Metric {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly value: (sample: MonitorSample) => number | undefined;
}

const METRICS: readonly Metric[] = [
  { name: 'file_bytes', type: 'gauge', help: 'Size of the database file.', value: (s) => s.fileBytes },
  { name: 'wal_bytes', type: 'gauge', help: 'Size of the -wal file.', value: (s) => s.walBytes },
  {
    name: 'wal_pending_bytes',
    type: 'gauge',
    help: 'Pages of the -wal that are not in the database file yet.',
    value: (s) => s.walPendingBytes,
  },
  { name: 'statements_total', type: 'counter', help: 'Statements run.', value: (s) => s.statements },
  {
    name: 'statement_seconds_total',
    type: 'counter',
    help: 'Time spent in statements.',
    value: (s) => s.statementMs / 1000,
  },
  { name: 'commits_total', type: 'counter', help: 'Transactions committed that wrote.', value: (s) => s.commits },
  {
    name: 'busy_waits_total',
    type: 'counter',
    help: 'Transactions and single writes that waited for a lock.',
    value: (s) => s.busyWaits,
  },
  {
    name: 'busy_wait_seconds_total',
    type: 'counter',
    help: 'Time spent waiting for a lock.',
    value: (s) => s.busyWaitMs / 1000,
  },
  {
    name: 'busy_errors_total',
    type: 'counter',
    help: 'Statements that failed because of a lock.',
    value: (s) => s.busyErrors,
  },
  {
    name: 'slow_statements_total',
    type: 'counter',
    help: 'Runs of statements that took long.',
    value: (s) => s.slowRuns,
  },
];

/**
 * Returns a sample in the text format of Prometheus (`Content-Type: text/plain; version=0.0.4`). The names of the
 * metrics begin with e.g. `notes_db_`. https://prometheus.io/docs/instrumenting/exposition_formats/
 *
 * @param labels Added to every metric. Default: `file`, the path of the database.
 * @throws InvalidInputError for what is not a sample, or if a label's name is not allowed by Prometheus.
 */
export function prometheusText(sample: MonitorSample, labels?: Readonly<Record<string, string>>): string {
  if (typeof objectArgument(sample, 'sample').name !== 'string')
    throw new InvalidInputError('sample', 'must be a sample of monitor()');
  const given = labels === undefined ? { file: sample.filename } : objectArgument(labels, 'labels');
  const pairs = Object.entries(given).map(([name, value]) => {
    if (!LABEL.test(name)) throw new InvalidInputError('labels', 'may only have names of letters, digits and _');
    return `${name}="${escaped(value)}"`;
  });
  const prefix = `${sample.name.replaceAll('-', '_')}_db_`;
  const suffix = pairs.length > 0 ? `{${pairs.join(',')}}` : '';
  return METRICS.flatMap(({ name, type, help, value }) => {
    const number = value(sample);
    if (number === undefined) return [];
    return [
      `# HELP ${prefix}${name} ${help}`,
      `# TYPE ${prefix}${name} ${type}`,
      `${prefix}${name}${suffix} ${number}`,
    ];
  })
    .join('\n')
    .concat('\n');
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
