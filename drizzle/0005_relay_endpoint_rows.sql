PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_relay_index` (
	`id` text NOT NULL,
	`subject` text NOT NULL,
	`sender` text,
	`endpoint_hash` text NOT NULL,
	`status` text DEFAULT 'pending' NOT NULL,
	`expires_at` text,
	`payload` text,
	`metadata` text,
	`created_at` text NOT NULL,
	PRIMARY KEY(`id`, `endpoint_hash`),
	CONSTRAINT "relay_index_status" CHECK(status IN ('pending', 'delivered', 'failed'))
);
--> statement-breakpoint
INSERT INTO `__new_relay_index`("id", "subject", "sender", "endpoint_hash", "status", "expires_at", "payload", "metadata", "created_at") SELECT "id", "subject", "sender", "endpoint_hash", "status", "expires_at", "payload", "metadata", "created_at" FROM `relay_index`;--> statement-breakpoint
DROP TABLE `relay_index`;--> statement-breakpoint
ALTER TABLE `__new_relay_index` RENAME TO `relay_index`;--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
CREATE INDEX `relay_index_subject` ON `relay_index` (`subject`,`id`,`endpoint_hash`);--> statement-breakpoint
CREATE INDEX `relay_index_endpoint` ON `relay_index` (`endpoint_hash`,`id`);--> statement-breakpoint
CREATE INDEX `relay_index_endpoint_pending` ON `relay_index` (`endpoint_hash`,`id`) WHERE status = 'pending';--> statement-breakpoint
CREATE INDEX `relay_index_sender_created` ON `relay_index` (`sender`,`created_at`);--> statement-breakpoint
CREATE INDEX `relay_index_sender` ON `relay_index` (`sender`,`id`,`endpoint_hash`);--> statement-breakpoint
CREATE INDEX `relay_index_status` ON `relay_index` (`status`,`id`,`endpoint_hash`);--> statement-breakpoint
CREATE INDEX `relay_index_expires` ON `relay_index` (`expires_at`) WHERE expires_at IS NOT NULL;--> statement-breakpoint
-- Below is what the rebuild has dropped with the old table: the triggers of 0001_relay_metrics.sql, word for word.
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
