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

/** This many times the pages at which a commit checkpoints by itself are pending: something keeps it from that. */
const BACKLOG = 1.5;

/** Who keeps a lock at every look of this time is in the way, and does not merely work at the moment. */
const WATCH_MS = 250;

/** What waits in the -wal, and which processes keep it there or keep others from writing. */
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

/** In WAL mode every open connection keeps a shared lock on the file. */
function ownLockFindings({ filename, readonly }: Connection): HealthFinding[] {
  if (readonly || holdsLock(filename) !== false) return [];
  return [
    sayProcesses.error(
      `This process has lost its lock on ${filename}: something else in it opened and closed the file. Another process may delete the -wal that is written here.`,
      'Close this database and open it again. Open the file with one SQLite library only, and with nothing else, in a process.',
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
    // In WAL mode nothing but a checkpoint writes into the file itself.
    lastCheckpointAt: statSync(filename).mtime.toISOString(),
  };
}

function backlogBytes(connection: Connection): number {
  const pages = expectedPragmas().wal_autocheckpoint ?? 0;
  return BACKLOG * pages * Number(connection.pragma('page_size', { simple: true }));
}

/** The processes that have the lock now and keep it while they are watched; at once where none has it. */
function stayingHolders(
  filename: string,
  now: readonly LockHolder[] | undefined,
  kind: LockKind,
): readonly LockHolder[] {
  const holding = (holders: readonly LockHolder[] | undefined) =>
    holders?.filter(({ locks, isSelf }) => locks.includes(kind) && !(isSelf && kind === 'write')) ?? [];
  let staying = holding(now);
  // Most transactions take less than the first pause.
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
    const fact = `The -wal has ${formatBytes(wal.bytes)}; how much of it is in the file already is not known`;
    if (connection.inTransaction) return say.info(`${fact} inside a transaction.`);
    if (connection.isIterating) return say.info(`${fact} inside a loop over iterate().`);
    return isBacklogged
      ? say.warning(
          `${fact} to SQLite ${connection.sqliteVersion}.`,
          `Run ${howTo(connection.host, 'checkpoint', 'checkpoint(db)')}, which tells.`,
        )
      : say.ok(`${fact} to SQLite ${connection.sqliteVersion}.`);
  }
  if (wal.pendingBytes === 0) return say.ok(`Everything is in the file; its -wal has ${formatBytes(wal.bytes)}.`);
  const fact = `${formatBytes(wal.pendingBytes)} of the -wal's ${formatBytes(wal.bytes)} are not in the file yet`;
  if (!isBacklogged) return say.ok(`${fact}.`);
  const since = `, since ${wal.lastCheckpointAt}`;
  if (readers.length > 0) {
    return say.warning(
      `${fact}${since}: ${list(readers)} reads an older state and keeps them there.`,
      'End its long read (a loop over iterate(), a transaction, a backup); the next checkpoint then recovers the space.',
    );
  }
  return say.warning(
    `${fact}${since}: readers keep them there, or nobody checkpoints.`,
    `Run ${howTo(connection.host, 'checkpoint', 'checkpoint(db)')}; if it says busy, look for a process that keeps a read transaction open.`,
  );
}

function processesFinding(processes: readonly LockHolder[], writers: readonly LockHolder[]): HealthFinding {
  const others = processes.filter(({ isSelf }) => !isSelf);
  if (writers.length > 0) {
    return sayProcesses.warning(
      `${list(writers)} keeps the write lock: nobody else can write.`,
      'Look at what it does; a transaction that is never ended lasts until its process ends.',
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
