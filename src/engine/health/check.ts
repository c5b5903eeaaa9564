import type { Connection } from '../connection/connection.ts';
import { MEMORY } from '../file/path.ts';
import type { History } from '../migrations/history.ts';
import type { HealthCheckName, HealthDepth, HealthFigures, HealthFinding, HealthSeverity } from './report.ts';

/** The input of a check. */
export interface Look {
  readonly connection: Connection;
  readonly history: History;
  readonly depth: HealthDepth;
}

/** The result of a check. */
export interface Checked {
  readonly findings: readonly HealthFinding[];
  readonly figures?: Partial<HealthFigures> & Readonly<Record<string, unknown>>;
}

export type Check = (look: Look) => Checked;

/** Returns functions that create the findings of a check: `say.warning('…', 'do …')`. */
/* @__NO_SIDE_EFFECTS__ */
export function findingsOf(check: HealthCheckName) {
  const say =
    (severity: HealthSeverity) =>
    (fact: string, hint?: string): HealthFinding => ({ check, severity, fact, ...(hint !== undefined && { hint }) });
  return { ok: say('ok'), info: say('info'), warning: say('warning'), error: say('error') };
}

/** Wraps a check of files on the disk. It reports nothing for a database in memory. */
/* @__NO_SIDE_EFFECTS__ */
export function onDisk(check: Check): Check {
  return (look) => (look.connection.filename === MEMORY ? { findings: [] } : check(look));
}
