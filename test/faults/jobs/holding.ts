import { createDb, type Db, readHistory, runMigrations } from '#entry';
import type { JobProgram } from '../worker.ts';

/** Named here, so that what is held is not collected and closed. */
const held: Db[] = [];

/** Jobs that hold a file, or wait for an instant. */
export const HOLDING: Readonly<Record<string, JobProgram>> = {
  /** Holds a file `open`, in a `read` or in a `write` transaction, until it is told to end. */
  hold: async ({ file, kind }, { say, hear }) => {
    const db = createDb(file);
    held.push(db);
    if (kind === 'read') {
      db.$client.exec('BEGIN');
      db.$client.prepare('SELECT count(*) FROM relay_index').get();
    } else if (kind === 'write') db.$client.exec('BEGIN IMMEDIATE');
    say({ ready: true });
    await hear();
    db.$client.close();
  },
  /** Opens a file at an instant, or brings it to the end of a folder's history; as often as it is told to. */
  race: async (_, { say, hear }) => {
    say({ ready: true });
    for (;;) {
      const { file, folder, at } = await hear<{ file?: string; folder?: string; at: number }>();
      if (file === undefined) return;
      const history = folder === undefined ? undefined : readHistory(folder);
      while (Date.now() < at);
      try {
        if (history) say({ applied: runMigrations(file, { history }).applied.length });
        else {
          using db = createDb(file);
          say({ agents: db.$client.prepare('SELECT count(*) AS n FROM agents').get()?.n });
        }
      } catch (error) {
        say({ error: String(error) });
      }
    }
  },
};
