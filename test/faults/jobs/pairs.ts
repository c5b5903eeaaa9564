import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  backup,
  backupDaily,
  checkpoint,
  compact,
  createDb,
  DorkDbError,
  importLegacy,
  newId,
  PulseStore,
  pruneBackups,
  recover,
  restore,
  runMigrations,
  SqliteIndex,
  verifyBackup,
} from '#entry';
import type { JobProgram } from '../worker.ts';

/** Where a pair of operations meets. */
export interface Place {
  readonly file: string;
  /** The folder of the backups. */
  readonly backups: string;
  /** A backup from before the round. */
  readonly backup: string;
  /** A home of the older DorkOS. */
  readonly older: string;
  /** For new files; no other process uses it. */
  readonly own: string;
}

type Operation = (place: Place) => unknown;

/** What a process does again and again. Each may be refused, by a typed error. */
export const PAIRED: Readonly<Record<string, Operation>> = {
  open: ({ file }) => {
    using db = createDb(file);
    return db.$client.prepare('SELECT count(*) FROM relay_index').get();
  },
  write: ({ file }) => {
    using db = createDb(file);
    const pulse = new PulseStore(db);
    const { id } = pulse.createSchedule({ name: 'pair', prompt: 'p', cron: '* * * * *' });
    for (let i = 0; i < 20; i++) {
      const run = pulse.createRun(id, 'agent');
      pulse.updateRun(run.id, { status: 'completed', outputSummary: 'x'.repeat(i * 100) });
    }
    pulse.deleteSchedule(id);
  },
  backup: async ({ file, backups }) => {
    using db = createDb(file);
    await backup(db, { dir: backups });
  },
  daily: async ({ file, backups }) => {
    using db = createDb(file);
    await backupDaily(db, backups);
  },
  prune: ({ backups }) => pruneBackups(backups, { daily: 1, weekly: 0, preMigration: 0 }),
  restore: ({ file, backup: from }) => restore({ from, to: file }),
  compact: ({ file }) => compact(file, { busyTimeoutMs: 500 }),
  recover: ({ file, own }) => recover({ from: file, to: join(own, `${newId()}.db`) }),
  verify: async ({ file, backup: copy }) => {
    await verifyBackup(copy);
    await verifyBackup(file);
  },
  import: ({ file, older }) => {
    using db = createDb(file);
    const { failed } = importLegacy(db, { home: older, keepOrphans: true });
    if (failed > 0) throw new Error('The import failed.');
  },
  migrate: ({ file }) => runMigrations(file),
  checkpoint: ({ file }) => {
    using db = createDb(file);
    checkpoint(db, { waitMs: 200 });
  },
};

/** Jobs of two operations beside a writer. */
export const PAIRS: Readonly<Record<string, JobProgram>> = {
  /** Does an operation again and again until an instant; says how often it was done, and what refused it, by code. */
  again: async ({ operation, until, ...place }, { say }) => {
    const act = PAIRED[operation];
    if (!act) throw new Error(`There is no operation ${operation}.`);
    say({ ready: true });
    let done = 0;
    const refused: Record<string, string> = {};
    while (Date.now() < until) {
      try {
        await act(place);
        done++;
      } catch (error) {
        if (!(error instanceof DorkDbError)) throw error;
        refused[error.code] = `${error.name}: ${error.message}`;
        await pause(5);
      }
    }
    return { done, refused };
  },
  /**
   * Opens the file, commits some transactions, and closes it, until an instant. After each commit its id is added to a
   * log outside the database, and flushed.
   */
  commits: async ({ file, log, until }, { say }) => {
    const fd = openSync(log, 'a', 0o600);
    let [written, isReady] = [0, false];
    const refused: Record<string, string> = {};
    while (Date.now() < until) {
      try {
        using db = createDb(file);
        const index = new SqliteIndex(db);
        for (let i = 0; i < 8 && Date.now() < until; i++) {
          const id = newId();
          db.transaction(() => {
            index.insertMessage({ id, subject: 'pairs', endpointHash: 'e', payload: id.repeat(20) });
            index.updateStatus(id, 'delivered');
          });
          writeSync(fd, `${id}\n`);
          fsyncSync(fd);
          written++;
          if (!isReady) say({ ready: true });
          isReady = true;
          await pause(2);
        }
      } catch (error) {
        if (!(error instanceof DorkDbError)) throw error;
        refused[error.code] = `${error.name}: ${error.message}`;
      }
      await pause(3);
    }
    if (!isReady) say({ ready: true });
    closeSync(fd);
    return { done: written, refused };
  },
};
