import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  backup,
  backupDaily,
  checkpoint,
  closeDb,
  createDb,
  exportDb,
  importExport,
  importLegacy,
  moveReleaseAside,
  prune,
  pruneBackups,
  readHistory,
  recover,
  repairLedger,
  restore,
  runMigrations,
} from '#entry';
import { Writer } from '../oracle.ts';
import type { JobProgram } from '../worker.ts';

/** What is done while the power fails or a system call does. Each commit is said as soon as it is acknowledged. */
export const POWER: Readonly<Record<string, JobProgram>> = {
  /** Makes a file, writes, and closes it. */
  'power-create': ({ file, logs }, { say }) => {
    const db = createDb(file);
    say({ created: true });
    commit(db, logs, 'eve', 3, say);
    closeDb(db);
    return 'closed';
  },
  /** Writes before and after a checkpoint, and closes. */
  'power-write': ({ file, logs, checkpoints = 2 }, { say }) => {
    const db = createDb(file);
    for (let i = 0; i < checkpoints; i++) {
      commit(db, logs, 'eve', 4, say);
      const { busy } = checkpoint(db);
      say({ checkpointed: !busy });
    }
    commit(db, logs, 'eve', 3, say);
    closeDb(db);
    return 'closed';
  },
  'power-close': ({ file }) => {
    closeDb(createDb(file));
    return 'closed';
  },
  'power-backup': async ({ file, logs, to }, { say }) => {
    const db = createDb(file);
    commit(db, logs, 'eve', 2, say);
    // Otherwise the backup makes one, with which SQLite flushes the folder of the -wal, and so that of the backups.
    say({ checkpointed: !checkpoint(db).busy });
    const { path } = await backup(db, { ...(to && { to }) });
    say({ backup: path });
    commit(db, logs, 'eve', 1, say);
    return path;
  },
  'power-daily': async ({ file, logs }, { say }) => {
    const db = createDb(file);
    commit(db, logs, 'eve', 2, say);
    const { path } = await backupDaily(db);
    say({ backup: path });
    await pruneBackups(join(dirname(file), 'backups'), { daily: 2, weekly: 0 });
    return path;
  },
  'power-prune': async ({ file }) => {
    const db = createDb(file);
    return await prune(db, { tracesOlderThan: '2021-01-01T00:00:00Z' });
  },
  'power-migrate': ({ file, folder }) => {
    const { snapshot } = runMigrations(file, { history: readHistory(folder) });
    return { snapshot };
  },
  'power-import': ({ file, home }) => {
    const db = createDb(file);
    const { imported, failed, setAside } = importLegacy(db, { home });
    return { imported, failed, setAside };
  },
  'power-restore': async ({ from, to }) => {
    const { replaced } = await restore({ from, to });
    return { replaced };
  },
  'power-recover': async ({ from }) => {
    const { to } = await recover({ from });
    return { to };
  },
  'power-repair': ({ file, folder, tag }) => {
    const db = createDb(file, { migrations: 'skip' });
    const { hash } = repairLedger(db, tag, { history: readHistory(folder), by: 'ada', reason: 'power' });
    return { hash };
  },
  'power-export': async ({ file, logs, to }, { say }) => {
    const db = createDb(file);
    commit(db, logs, 'eve', 2, say);
    const { rows } = await exportDb(db, { to });
    return { rows, commits: 2 };
  },
  'power-import-export': async ({ from, to }) => {
    const { rows } = await importExport({ from, to });
    return { rows };
  },
  'power-move-aside': ({ file }) => ({ to: moveReleaseAside(file) }),
};

function commit(
  db: ReturnType<typeof createDb>,
  logs: string,
  name: string,
  times: number,
  say: (line: object) => void,
): void {
  mkdirSync(logs, { recursive: true });
  using writer = new Writer(db, name, logs);
  for (let i = 0; i < times; i++) say({ writer: name, commit: writer.write() });
}
