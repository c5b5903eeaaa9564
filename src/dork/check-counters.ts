import { type Check, findingsOf } from '../engine/health/check.ts';
import { hasTable } from '../engine/migrations/ledger.ts';

const say = findingsOf('counters');

/** Subjects whose counters differ from their rows, in either direction. */
const WRONG = `
  WITH counted AS (
    SELECT subject, count(*) FILTER (WHERE status = 'pending') AS pending,
      count(*) FILTER (WHERE status = 'delivered') AS delivered, count(*) FILTER (WHERE status = 'failed') AS failed
    FROM relay_index NOT INDEXED GROUP BY subject)
  SELECT count(*) AS n FROM counted FULL JOIN relay_counts USING (subject)
  WHERE coalesce(counted.pending, 0) <> coalesce(relay_counts.pending, 0)
    OR coalesce(counted.delivered, 0) <> coalesce(relay_counts.delivered, 0)
    OR coalesce(counted.failed, 0) <> coalesce(relay_counts.failed, 0)`;

/** Compares the relay's counters with the messages that they count; reads the whole index, so only in depth. */
export const checkCounters: Check = ({ connection, depth }) => {
  if (depth !== 'full' || !hasTable(connection, 'relay_counts') || !hasTable(connection, 'relay_index')) {
    return { findings: [] };
  }
  const wrong = connection.prepare<{ n: number }>(WRONG).get()?.n ?? 0;
  if (wrong === 0) return { findings: [say.ok('The counters of the relay are those of its messages.')] };
  return {
    findings: [
      say.error(
        `The counters of ${wrong} subjects of the relay are not those of their messages: something wrote without the triggers.`,
        'Call SqliteIndex.rebuild(), which counts again, or restore a backup.',
      ),
    ],
  };
};
