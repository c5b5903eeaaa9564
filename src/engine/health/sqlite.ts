import type { Connection } from '../connection/connection.ts';
import { expectedPragmas } from '../connection/pragmas.ts';
import { lockHolders } from '../file/file-locks.ts';
import { MEMORY } from '../file/path.ts';
import { hasWalResetBug } from '../version.ts';
import { type Check, findingsOf } from './check.ts';
import type { HealthFinding, PragmaFigure, SqliteFigures } from './report.ts';

const say = findingsOf('sqlite');
const sayPragma = findingsOf('pragmas');

/** Checks the version of SQLite, and whether two processes can safely write with it. */
export const checkSqlite: Check = ({ connection }) => {
  const figures: SqliteFigures = {
    version: connection.sqliteVersion,
    sourceId: String(connection.prepare('SELECT sqlite_source_id() AS id').get()?.id),
    driver: connection.driver,
    library: libraryOf(connection),
    runtime: process.versions.bun ? `Bun ${process.versions.bun}` : `Node ${process.versions.node}`,
    hasWalResetBug: hasWalResetBug(connection.sqliteVersion),
  };
  const others = lockHolders(connection.filename)?.filter(({ isSelf }) => !isSelf).length ?? 0;
  return { findings: [libraryFinding(figures, others)], figures: { sqlite: figures } };
};

function libraryOf({ driver }: Connection): SqliteFigures['library'] {
  if (driver === 'better-sqlite3') return 'built into better-sqlite3';
  if (driver === 'node:sqlite') return 'built into Node';
  return process.platform === 'darwin' ? 'part of macOS' : 'built into Bun';
}

/** @param others Number of other processes that have the file open. */
export function libraryFinding(figures: SqliteFigures, others: number): HealthFinding {
  const { version, library, driver, runtime } = figures;
  const fact = `SQLite ${version}, ${library}, through ${driver} on ${runtime}`;
  if (!figures.hasWalResetBug) return say.ok(`${fact}.`);
  return say[others > 0 ? 'error' : 'warning'](
    `${fact}. It has the WAL-reset bug, which can corrupt a file that two processes write${others > 0 ? `, and ${others} other processes have this one open` : ''}.`,
    'Use a runtime with SQLite 3.51.3 or newer; until then let only one process write the file.',
  );
}

/** Checks the journal mode and the pragmas that each of our connections sets. */
export const checkPragmas: Check = ({ connection }) => {
  // SQLite refuses to read the journal mode meanwhile, because it might write.
  if (connection.isIterating) {
    return { findings: [sayPragma.info('The pragmas cannot be checked inside a loop over iterate().')] };
  }
  const read = (name: string) => connection.pragma(name, { simple: true }) as number | string;
  const isFile = connection.filename !== MEMORY;
  const pragmas: PragmaFigure[] = [
    // For a file that is read without its -wal, the drivers disagree.
    {
      name: 'journal_mode',
      value: read('journal_mode'),
      ...(!connection.isImmutable && { expected: isFile ? 'wal' : 'memory' }),
    },
    { name: 'busy_timeout', value: read('busy_timeout') },
    ...Object.entries(expectedPragmas())
      // Some have no value for a database in memory.
      .map(([name, expected]) => ({ name, value: read(name), expected }))
      .filter(({ value }) => value !== undefined),
  ];
  return { findings: pragmaFindings(pragmas, connection.filename), figures: { pragmas } };
};

/** Returns the findings about a connection's pragmas. */
function pragmaFindings(pragmas: readonly PragmaFigure[], filename: string): HealthFinding[] {
  const findings: HealthFinding[] = [];
  const [journal] = pragmas;
  if (journal?.expected !== undefined && journal.value !== journal.expected) {
    findings.push(
      sayPragma.error(
        `${filename} is in journal mode ${journal.value}, not WAL: readers block writers, and a writer blocks readers.`,
        'Open it once for writing with createDb(), which switches it to WAL.',
      ),
    );
  }
  const isPaused = ({ name, value }: PragmaFigure) => name === 'wal_autocheckpoint' && value === 0;
  if (pragmas.some(isPaused)) {
    findings.push(sayPragma.info('Checkpoints are paused (wal_autocheckpoint is 0), e.g. while a backup runs.'));
  }
  const different = pragmas
    .slice(1)
    .filter((pragma) => pragma.expected !== undefined && pragma.value !== pragma.expected && !isPaused(pragma));
  if (different.length > 0) {
    const list = different.map(({ name, value, expected }) => `${name} is ${value}, not ${expected}`).join('; ');
    findings.push(
      sayPragma.warning(
        `This connection was changed after it was opened: ${list}.`,
        'Find the code that sets pragmas on db.$client, or open the file again with createDb().',
      ),
    );
  }
  if (pragmas.some(({ name, value }) => name === 'busy_timeout' && value === 0)) {
    findings.push(
      sayPragma.warning(
        'This connection does not wait for locks (busy_timeout is 0): writes fail while another process writes.',
        'Open it without busyTimeoutMs: 0.',
      ),
    );
  }
  return findings.length > 0 ? findings : [sayPragma.ok(`Journal mode ${journal?.value}, every pragma as expected.`)];
}
