-- What metrics read instead of the tables; drizzle-kit writes neither triggers nor indexes on expressions. A migration
-- that rebuilds relay_index or relay_traces drops these with the old table and must create them again.
--
-- Everything that the metrics of a window ask of a span, so that they never read the table.
CREATE INDEX relay_traces_metrics ON relay_traces (
  sent_at,
  status,
  ((unixepoch(delivered_at) - unixepoch(sent_at)) * 1000 + substr(delivered_at, 21, 3) - substr(sent_at, 21, 3)),
  coalesce(to_endpoint, subject)
);
--> statement-breakpoint
-- relay_counts: how many messages of each status a subject has.
CREATE TRIGGER relay_index_count_insert AFTER INSERT ON relay_index BEGIN
  INSERT INTO relay_counts (subject, pending, delivered, failed)
  VALUES (new.subject, new.status = 'pending', new.status = 'delivered', new.status = 'failed')
  ON CONFLICT (subject) DO UPDATE SET
    pending = pending + excluded.pending,
    delivered = delivered + excluded.delivered,
    failed = failed + excluded.failed;
END;
--> statement-breakpoint
CREATE TRIGGER relay_index_count_delete AFTER DELETE ON relay_index BEGIN
  UPDATE relay_counts SET
    pending = pending - (old.status = 'pending'),
    delivered = delivered - (old.status = 'delivered'),
    failed = failed - (old.status = 'failed')
  WHERE subject = old.subject;
END;
--> statement-breakpoint
CREATE TRIGGER relay_index_count_status AFTER UPDATE OF status ON relay_index
WHEN new.status <> old.status AND new.subject = old.subject BEGIN
  UPDATE relay_counts SET
    pending = pending + (new.status = 'pending') - (old.status = 'pending'),
    delivered = delivered + (new.status = 'delivered') - (old.status = 'delivered'),
    failed = failed + (new.status = 'failed') - (old.status = 'failed')
  WHERE subject = new.subject;
END;
--> statement-breakpoint
CREATE TRIGGER relay_index_count_subject AFTER UPDATE OF subject ON relay_index
WHEN new.subject <> old.subject BEGIN
  UPDATE relay_counts SET
    pending = pending - (old.status = 'pending'),
    delivered = delivered - (old.status = 'delivered'),
    failed = failed - (old.status = 'failed')
  WHERE subject = old.subject;
  INSERT INTO relay_counts (subject, pending, delivered, failed)
  VALUES (new.subject, new.status = 'pending', new.status = 'delivered', new.status = 'failed')
  ON CONFLICT (subject) DO UPDATE SET
    pending = pending + excluded.pending,
    delivered = delivered + excluded.delivered,
    failed = failed + excluded.failed;
END;
