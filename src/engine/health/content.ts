import type { Connection } from '../connection/connection.ts';
import { primaryCode } from '../connection/sqlite-error.ts';
import { DorkDbError } from '../errors.ts';
import { howTo } from '../host.ts';
import { isError } from '../realm.ts';
import { type Check, findingsOf } from './check.ts';
import type { DanglingRow, HealthFinding } from './report.ts';

const say = findingsOf('integrity');
const sayKeys = findingsOf('foreign-keys');

/** More lines of damage would not add information. */
const MOST = 100;

/** Reads every page. https://sqlite.org/pragma.html#pragma_integrity_check */
export const checkIntegrity: Check = ({ connection, depth }) => {
  if (depth === 'usual') return { findings: [] };
  const pragma = depth === 'full' ? 'integrity_check' : 'quick_check';
  // Pages in memory would hide what has become of the file. A loop over iterate() still needs them.
  // https://sqlite.org/pragma.html#pragma_shrink_memory
  if (!connection.isIterating) connection.pragma('shrink_memory');
  const damage = linesOf(connection, `${pragma}(${MOST})`).filter((line) => line !== 'ok');
  return { findings: [integrityFinding(pragma, damage, connection)], figures: { damage } };
};

/** Returns the lines of a check's report. If the damage ends the check itself, its error is the last line. */
function linesOf(connection: Connection, pragma: string): string[] {
  const lines: string[] = [];
  try {
    for (const row of connection.prepare<Record<string, string>>(`PRAGMA ${pragma}`).iterate()) {
      for (const text of Object.values(row)) lines.push(...text.split('\n'));
    }
  } catch (error) {
    if (!(error instanceof DorkDbError) || primaryCode(error.code) !== 'SQLITE_CORRUPT') throw error;
    lines.push(isError(error.cause) ? error.cause.message : error.message);
  }
  return lines;
}

function integrityFinding(pragma: string, damage: readonly string[], { filename, host }: Connection): HealthFinding {
  if (damage.length === 0) return say.ok(`${pragma} found no damage.`);
  return say.error(
    `${filename} is damaged. ${pragma} reports: ${damage.slice(0, 3).join('; ')}${damage.length > 3 ? `; and ${damage.length - 3} more lines` : ''}.`,
    `Stop writing to it, keep the file with its -wal, and restore the newest backup (${howTo(host, 'restore', 'restore()')}). Without a backup, ${howTo(host, 'recover', 'recover()')} saves the readable rows.`,
  );
}

/** Checks every foreign key. https://sqlite.org/pragma.html#pragma_foreign_key_check */
export const checkForeignKeys: Check = ({ connection, depth }) => {
  if (depth !== 'full') return { findings: [] };
  const danglingRows = connection
    .prepare<DanglingRow>(`SELECT "table", rowid, parent FROM pragma_foreign_key_check LIMIT ${MOST}`)
    .all();
  return { findings: [keysFinding(danglingRows)], figures: { danglingRows } };
};

function keysFinding(rows: readonly DanglingRow[]): HealthFinding {
  const [first] = rows;
  if (!first) return sayKeys.ok('Every foreign key refers to an existing row.');
  const count = rows.length < MOST ? rows.length : `at least ${MOST}`;
  return sayKeys.error(
    `${count} rows refer to missing rows, the first in ${first.table} (rowid ${first.rowid ?? 'none'}) to ${first.parent}.`,
    'A program wrote with foreign keys off. PRAGMA foreign_key_check lists the rows; delete them or restore the rows that they refer to.',
  );
}
