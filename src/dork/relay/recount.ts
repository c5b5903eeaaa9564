/**
 * Corrects the counters, which can be wrong only if something wrote to the index or to them without the triggers. Correct
 * counters are not written. Sorting the result of a scan takes half the time of looking up each row by subject.
 */
export const RECOUNT = [
  `INSERT INTO relay_counts (subject, pending, delivered, failed)
   SELECT subject, count(*) FILTER (WHERE status = 'pending'), count(*) FILTER (WHERE status = 'delivered'),
     count(*) FILTER (WHERE status = 'failed')
   FROM relay_index NOT INDEXED WHERE true GROUP BY subject
   ON CONFLICT (subject) DO UPDATE
   SET pending = excluded.pending, delivered = excluded.delivered, failed = excluded.failed
   WHERE (pending, delivered, failed) IS NOT (excluded.pending, excluded.delivered, excluded.failed)`,
  `UPDATE relay_counts SET pending = 0, delivered = 0, failed = 0
   WHERE (pending, delivered, failed) IS NOT (0, 0, 0) AND NOT EXISTS (
     SELECT 1 FROM relay_index WHERE relay_index.subject = relay_counts.subject)`,
];

/** Removes the counters of subjects without messages. */
export const REMOVE_EMPTY_COUNTS = 'DELETE FROM relay_counts WHERE pending = 0 AND delivered = 0 AND failed = 0';
