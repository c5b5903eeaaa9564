PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_legacy_imports` (
	`id` text PRIMARY KEY NOT NULL,
	`source` text NOT NULL,
	`path` text NOT NULL,
	`started_at` text NOT NULL,
	`finished_at` text NOT NULL,
	`rows_read` integer NOT NULL,
	`rows_imported` integer NOT NULL,
	`rows_skipped` integer NOT NULL,
	`receipt_json` text NOT NULL,
	CONSTRAINT "legacy_imports_source" CHECK(source IN ('schedules.json', 'pulse.db', 'relay/index.db', 'mesh/mesh.db', 'dork.db')),
	CONSTRAINT "legacy_imports_receipt_json" CHECK(json_valid(receipt_json))
);
--> statement-breakpoint
INSERT INTO `__new_legacy_imports`("id", "source", "path", "started_at", "finished_at", "rows_read", "rows_imported", "rows_skipped", "receipt_json") SELECT "id", "source", "path", "started_at", "finished_at", "rows_read", "rows_imported", "rows_skipped", "receipt_json" FROM `legacy_imports`;--> statement-breakpoint
DROP TABLE `legacy_imports`;--> statement-breakpoint
ALTER TABLE `__new_legacy_imports` RENAME TO `legacy_imports`;--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
CREATE INDEX `legacy_imports_source_started` ON `legacy_imports` (`source`,`started_at`);