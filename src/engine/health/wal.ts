import { statSync } from 'node:fs';
import type { Connection } from '../connection/connection.ts';
import { expectedPragmas } from '../connection/pragmas.ts';
import { describeHolder, holdsLock, type LockHolder, type LockKind, lockHolders } from '../file/file-locks.ts';
import { bytesOf, walState } from '../file/wal.ts';
import { formatBytes } from '../format.ts';
import { howTo } from '../host.ts';
import { sleepSync } from '../sleep.ts';
import { type Check, findingsOf, onDisk } from './check.ts';
import type { HealthFinding, WalFigures } from './report.ts';

const say = findingsOf('wal');
const sayProcesses = findingsOf('processes');

/** A commit checkpoints by itself at a number of pending pages. With this many times more, something prevents it. */
const BACKLOG = 1.5;

/** Locks that are held for this long are reported; shorter ones are normal work. */
const WATCH_MS = 250;

/** Checks the pending part of the -wal, and which processes prevent checkpoints or block writers. */
export const checkWal: Check = onDisk(({ connection }) => {
  const { filename } = connection;
  const wal = walFigures(connection);
  const processes = lockHolders(filename);
  const isBacklogged = (wal.pendingBytes ?? wal.bytes) > backlogBytes(connection);
  const readers = isBacklogged ? stayingHolders(filename, processes, 'read') : [];
  const writers = stayingHolders(filename, processes, 'write');
  return {
    findings: [
      walFinding(connection, wal, isBacklogged, readers),
      ...(processes ? [processesFinding(processes, writers), ...ownLockFindings(connection)] : []),
    ],
    figures: { wal, ...(processes && { processes }) },
  };
});

/** In WAL mode every open connection has a shared lock on the file. */
function ownLockFindings({ filename, readonly }: Connection): HealthFinding[] {
  if (readonly || holdsLock(filename) !== false) return [];
  return [
    sayProcesses.error(
      `This process has lost its lock on ${filename}, because other code in it opened and closed the file. Another process may now delete the -wal that this one writes.`,
      'Close this database and open it again. In one process, open the file only with a single SQLite library.',
    ),
  ];
}

function walFigures(connection: Connection): WalFigures {
  const { filename } = connection;
  const state = walState(connection);
  const pageSize = Number(connection.pragma('page_size', { simple: true }));
  return {
    bytes: bytesOf(`${filename}-wal`),
    ...state,
    ...(state && { pendingBytes: (state.frames - state.checkpointed) * pageSize }),
    // In WAL mode only checkpoints write to the file itself.
    lastCheckpointAt: statSync(filename).mtime.toISOString(),
  };
}

function backlogBytes(connection: Connection): number {
  const pages = expectedPragmas().wal_autocheckpoint ?? 0;
  return BACKLOG * pages * Number(connection.pragma('page_size', { simple: true }));
}

/** Returns the processes that keep the lock while they are watched; returns at once if no process has it. */
function stayingHolders(
  filename: string,
  now: readonly LockHolder[] | undefined,
  kind: LockKind,
): readonly LockHolder[] {
  const holding = (holders: readonly LockHolder[] | undefined) =>
    holders?.filter(({ locks, isSelf }) => locks.includes(kind) && !(isSelf && kind === 'write')) ?? [];
  let staying = holding(now);
  // Most transactions are shorter than the first pause.
  for (let waited = 0, next = 1; staying.length > 0 && waited < WATCH_MS; waited += next, next *= 2) {
    sleepSync(next);
    const pids = new Set(holding(lockHolders(filename)).map(({ pid }) => pid));
    staying = staying.filter(({ pid }) => pids.has(pid));
  }
  return staying;
}

function walFinding(
  connection: Connection,
  wal: WalFigures,
  isBacklogged: boolean,
  readers: readonly LockHolder[],
): HealthFinding {
  if (wal.pendingBytes === undefined) {
    const fact = `The -wal has ${formatBytes(wal.bytes)}; how much of it is not in the file yet is unknown`;
    if (connection.inTransaction) return say.info(`${fact} inside a transaction.`);
    if (connection.isIterating) return say.info(`${fact} inside a loop over iterate().`);
    return isBacklogged
      ? say.warning(
          `${fact} to SQLite ${connection.sqliteVersion}.`,
          `Run ${howTo(connection.host, 'checkpoint', 'checkpoint(db)')}to find out.`,
        )
      : say.ok(`${fact} to SQLite ${connection.sqliteVersion}.`);
  }
  if (wal.pendingBytes === 0) return say.ok(`Everything is in the file; its -wal has ${formatBytes(wal.bytes)}.`);
  const fact = `${formatBytes(wal.pendingBytes)} of the -wal's ${formatBytes(wal.bytes)} are not in the file yet`;
  if (!isBacklogged) return say.ok(`${fact}.`);
  const since = `, since ${wal.lastCheckpointAt}`;
  if (readers.length > 0) {
    return say.warning(
      `${fact}${since}: ${list(readers)} reads an older state and prevents checkpoints.`,
      'End its long read (a loop over iterate(), a transaction, a backup); the next checkpoint then recovers the space.',
    );
  }
  return say.warning(
    `${fact}${since}: readers prevent checkpoints, or no checkpoint has run.`,
    `Run ${howTo(connection.host, 'checkpoint', 'checkpoint(db)')}; if it is busy, find the process with an open read transaction.`,
  );
}

function processesFinding(processes: readonly LockHolder[], writers: readonly LockHolder[]): HealthFinding {
  const others = processes.filter(({ isSelf }) => !isSelf);
  if (writers.length > 0) {
    return sayProcesses.warning(
      `${list(writers)} keeps the write lock: no other process can write.`,
      'Check what it does. A transaction without COMMIT or ROLLBACK lasts until its process ends.',
    );
  }
  if (others.length === 0) return sayProcesses.ok('No other process has the file open.');
  return sayProcesses.ok(
    `${others.length} other process${others.length === 1 ? ' has' : 'es have'} the file open: ${others.map(describeHolder).join(', ')}.`,
  );
}

function list(holders: readonly LockHolder[]): string {
  return holders.map((holder) => (holder.isSelf ? 'this process' : `process ${describeHolder(holder)}`)).join(', ');
}
