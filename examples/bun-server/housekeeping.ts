import { dirname, join } from 'node:path';
import { backupDaily, type Db, prune, pruneBackups } from '@dorkos/db';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Once an hour: the backup of the day where there is none yet, and what is too old goes. */
export function startHousekeeping(db: Db): Disposable {
  const tidy = async (): Promise<void> => {
    try {
      await backupDaily(db);
      await pruneBackups(join(dirname(db.$client.filename), 'backups'));
      await prune(db, { runsPerSchedule: 500, tracesOlderThan: Date.now() - 30 * DAY_MS, expiredMessages: true });
    } catch (error) {
      // The server goes on; `/health` tells how old the newest backup is.
      console.error(error);
    }
  };
  const timer = setInterval(tidy, HOUR_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
