import { definitionOf, openingOf } from '../definition.ts';
import type { DorkDbError } from '../errors.ts';
import { foreignOf } from '../file/foreign.ts';
import { shellQuoted } from '../file/path.ts';
import { howTo } from '../host.ts';
import { mismatch } from '../migrations/bring-up.ts';
import { planFor } from '../migrations/plan.ts';
import { refusalOf } from '../migrations/refusal.ts';
import type { Drift } from '../migrations/schema-state.ts';
import { liveDrift } from '../migrations/schema-state.ts';
import { type Check, type Checked, findingsOf } from './check.ts';
import type { HealthFinding } from './report.ts';

const say = findingsOf('migrations');
const saySchema = findingsOf('schema');

/** Checks that the file still belongs to its definition, has every migration, and that its schema matches them. */
export const checkMigrations: Check = ({ connection, history }) => {
  const { filename } = connection;
  const foreign = foreignOf(connection, openingOf(definitionOf(connection)));
  if (foreign) return { findings: [say.error(`${filename} ${foreign.what}.`, foreign.hint)] };
  const { applied, pending, problem } = planFor(connection, history);
  const tags = { applied: applied.map(({ tag }) => tag), pending: pending.map(({ tag }) => tag) };
  if (problem) {
    const { message, hint } = refusalOf(problem, connection, history);
    return {
      findings: [say.error(message, hint)],
      figures: { migrations: { state: problem.kind, ...tags } },
    };
  }
  if (pending.length > 0) {
    return {
      findings: [
        say.warning(
          `${filename} lacks ${tags.pending.join(', ')}.`,
          `${howTo(connection.host, `migrate --db ${shellQuoted(filename)}`, 'Call runMigrations(path)')}, or open it with createDb().`,
        ),
      ],
      figures: { migrations: { state: 'pending', ...tags } },
    };
  }
  const newest = tags.applied.at(-1) ?? 'none';
  const differences = liveDrift(connection, history);
  const error = mismatch(connection, history, differences);
  const drift = checkDrift(differences, error);
  return {
    findings: [say.ok(`Every migration is applied; the newest is ${newest}.`), ...drift.findings],
    figures: { migrations: { state: 'current', ...tags }, ...drift.figures },
  };
};

function checkDrift(drift: readonly Drift[], error: DorkDbError | undefined): Checked {
  const findings = drift.length > 0 ? drift.map(driftFinding) : [saySchema.ok('The schema matches the migrations.')];
  if (error) findings.unshift(saySchema.error(error.message, error.hint));
  return { findings, figures: { drift } };
}

function driftFinding({ kind, type, name }: Drift): HealthFinding {
  if (kind === 'extra') {
    return saySchema.info(`The ${type} ${name} does not belong to this database. Another program created it.`);
  }
  if (kind === 'missing' && type === 'table') {
    return saySchema.error(`The table ${name} is missing.`, 'Restore the newest backup, or create the table again.');
  }
  const fact =
    kind === 'missing' ? `The ${type} ${name} is missing` : `The ${type} ${name} differs from the migrations`;
  return saySchema.warning(
    `${fact}.`,
    'Find the program that changed the schema outside of a migration, and undo the change.',
  );
}
