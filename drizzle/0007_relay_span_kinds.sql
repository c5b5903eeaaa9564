PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_relay_traces` (
	`id` text PRIMARY KEY NOT NULL,
	`message_id` text NOT NULL,
	`trace_id` text NOT NULL,
	`span_id` text,
	`parent_span_id` text,
	`subject` text NOT NULL,
	`from_endpoint` text,
	`to_endpoint` text,
	`status` text NOT NULL,
	`kind` text DEFAULT 'delivery' NOT NULL,
	`budget_hops_used` integer,
	`budget_ttl_remaining_ms` integer,
	`sent_at` text NOT NULL,
	`delivered_at` text,
	`processed_at` text,
	`error_message` text,
	`metadata` text,
	CONSTRAINT "relay_traces_status" CHECK(status IN ('sent', 'delivered', 'processed', 'failed', 'timeout', 'dead_lettered', 'no_subscriber')),
	CONSTRAINT "relay_traces_kind" CHECK(kind IN ('delivery', 'lifecycle')),
	CONSTRAINT "relay_traces_metadata" CHECK(json_valid(metadata))
);
--> statement-breakpoint
-- Every span until now is of a delivery, which is the default of the new column.
INSERT INTO `__new_relay_traces`("id", "message_id", "trace_id", "span_id", "parent_span_id", "subject", "from_endpoint", "to_endpoint", "status", "budget_hops_used", "budget_ttl_remaining_ms", "sent_at", "delivered_at", "processed_at", "error_message", "metadata") SELECT "id", "message_id", "trace_id", "span_id", "parent_span_id", "subject", "from_endpoint", "to_endpoint", "status", "budget_hops_used", "budget_ttl_remaining_ms", "sent_at", "delivered_at", "processed_at", "error_message", "metadata" FROM `relay_traces`;--> statement-breakpoint
DROP TABLE `relay_traces`;--> statement-breakpoint
ALTER TABLE `__new_relay_traces` RENAME TO `relay_traces`;--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
CREATE UNIQUE INDEX `relay_traces_message_id_unique` ON `relay_traces` (`message_id`);--> statement-breakpoint
CREATE INDEX `relay_traces_trace` ON `relay_traces` (`trace_id`,`sent_at`);--> statement-breakpoint
CREATE INDEX `relay_traces_dead_lettered` ON `relay_traces` (`status`,`sent_at`) WHERE status = 'dead_lettered';--> statement-breakpoint
-- relay_traces_metrics of 0001_relay_metrics.sql, which the rebuild has dropped with the old table, and the kind: everything
-- that the metrics of a window ask of a span, so that they never read the table.
CREATE INDEX relay_traces_metrics ON relay_traces (
  sent_at,
  status,
  kind,
  ((unixepoch(delivered_at) - unixepoch(sent_at)) * 1000 + substr(delivered_at, 21, 3) - substr(sent_at, 21, 3)),
  coalesce(to_endpoint, subject)
);
