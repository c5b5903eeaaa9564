/**
 * The counters are right already, unless something wrote to the index without its triggers. Sorting what a scan gives
 * takes half the time of looking up row after row in the order of the subjects.
 */
export const RECOUNT = [
  'DELETE FROM relay_counts',
  `INSERT INTO relay_counts (subject, pending, delivered, failed)
   SELECT subject, count(*) FILTER (WHERE status = 'pending'), count(*) FILTER (WHERE status = 'delivered'),
     count(*) FILTER (WHERE status = 'failed')
   FROM relay_index NOT INDEXED GROUP BY subject`,
];
