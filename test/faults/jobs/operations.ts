import {
  backup,
  checkpoint,
  closeDb,
  compact,
  createDb,
  exportDb,
  importLegacy,
  moveReleaseAside,
  readHistory,
  restore,
  runMigrations,
  verifyBackup,
} from '#entry';
import type { JobProgram } from '../worker.ts';

/** What the package does to a file, each said `ready` before it begins, so that it can be met in its middle. */
export const OPERATIONS: Readonly<Record<string, JobProgram>> = {
  /** Opens and closes; where there is no file, makes one. */
  open: ({ file }, { say }) => {
    say({ ready: true });
    createDb(file).$client.close();
  },
  close: ({ file }, { say }) => {
    const db = createDb(file);
    db.$client.prepare('SELECT count(*) FROM relay_index').get();
    say({ ready: true });
    closeDb(db);
  },
  checkpoint: ({ file, waitMs = 5000 }, { say }) => {
    const db = createDb(file);
    say({ ready: true });
    return checkpoint(db, { waitMs });
  },
  /** Reads a file that may not be written, and copies it elsewhere. */
  'read-only': async ({ file, to }) => {
    using db = createDb(file, { readonly: true });
    const messages = db.$client.prepare<{ n: number }>('SELECT count(*) AS n FROM relay_index').get()?.n;
    const { state } = await verifyBackup(file);
    await backup(db, { to });
    return { messages, state };
  },
  backup: async ({ file, to, deep }, { say }) => {
    using db = createDb(file);
    say({ ready: true });
    return await backup(db, { to, ...(deep && { deep }) });
  },
  restore: async ({ from, to }, { say }) => {
    say({ ready: true });
    return await restore({ from, to });
  },
  compact: ({ file, busyTimeoutMs }, { say }) => {
    say({ ready: true });
    return compact(file, { busyTimeoutMs });
  },
  import: ({ file, home }, { say }) => {
    using db = createDb(file);
    say({ ready: true });
    const { imported, alreadyThere, failed } = importLegacy(db, { home, keepOrphans: true });
    return { imported, alreadyThere, failed };
  },
  'take-in': ({ file, home }, { say }) => {
    say({ ready: true });
    moveReleaseAside(file);
    using db = createDb(file);
    const { imported, failed } = importLegacy(db, { home });
    return { imported, failed };
  },
  export: async ({ file, to }, { say }) => {
    using db = createDb(file);
    say({ ready: true });
    return await exportDb(db, { to });
  },
  migrate: ({ file, folder }, { say }) => {
    const history = readHistory(folder);
    say({ ready: true });
    return runMigrations(file, { history, onProgress: ({ phase, step }) => say({ phase, step }) });
  },
};
