CREATE TABLE `legacy_imports` (
	`id` text PRIMARY KEY NOT NULL,
	`source` text NOT NULL,
	`path` text NOT NULL,
	`started_at` text NOT NULL,
	`finished_at` text NOT NULL,
	`rows_read` integer NOT NULL,
	`rows_imported` integer NOT NULL,
	`rows_skipped` integer NOT NULL,
	`receipt_json` text NOT NULL,
	CONSTRAINT "legacy_imports_source" CHECK(source IN ('schedules.json', 'pulse.db', 'relay/index.db', 'mesh/mesh.db')),
	CONSTRAINT "legacy_imports_receipt_json" CHECK(json_valid(receipt_json))
);
--> statement-breakpoint
CREATE INDEX `legacy_imports_source_started` ON `legacy_imports` (`source`,`started_at`);--> statement-breakpoint
CREATE TABLE `agent_denials` (
	`id` text PRIMARY KEY NOT NULL,
	`path` text NOT NULL,
	`strategy` text,
	`reason` text,
	`denier` text,
	`created_at` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `agent_denials_path_unique` ON `agent_denials` (`path`);--> statement-breakpoint
CREATE INDEX `agent_denials_created` ON `agent_denials` (`created_at`);--> statement-breakpoint
CREATE TABLE `agents` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`description` text,
	`runtime` text NOT NULL,
	`project_path` text NOT NULL,
	`namespace` text DEFAULT 'default' NOT NULL,
	`capabilities_json` text DEFAULT '[]' NOT NULL,
	`behavior_json` text DEFAULT '{"responseMode":"always"}' NOT NULL,
	`budget_json` text DEFAULT '{"maxHopsPerMessage":5,"maxCallsPerHour":100}' NOT NULL,
	`manifest_extra_json` text,
	`scan_root` text DEFAULT '' NOT NULL,
	`entrypoint` text,
	`version` text,
	`approver` text,
	`status` text DEFAULT 'active' NOT NULL,
	`last_seen_at` text,
	`last_seen_event` text,
	`registered_at` text NOT NULL,
	`updated_at` text NOT NULL,
	CONSTRAINT "agents_status" CHECK(status IN ('active', 'inactive', 'unreachable')),
	CONSTRAINT "agents_capabilities_json" CHECK(json_valid(capabilities_json)),
	CONSTRAINT "agents_behavior_json" CHECK(json_valid(behavior_json)),
	CONSTRAINT "agents_budget_json" CHECK(json_valid(budget_json)),
	CONSTRAINT "agents_manifest_extra_json" CHECK(json_valid(manifest_extra_json))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `agents_project_path_unique` ON `agents` (`project_path`);--> statement-breakpoint
CREATE INDEX `agents_registered` ON `agents` (`registered_at`);--> statement-breakpoint
CREATE INDEX `agents_runtime_registered` ON `agents` (`runtime`,`registered_at`);--> statement-breakpoint
CREATE INDEX `agents_namespace_registered` ON `agents` (`namespace`,`registered_at`);--> statement-breakpoint
CREATE TABLE `rate_limit_buckets` (
	`agent_id` text NOT NULL,
	`bucket_minute` integer NOT NULL,
	`count` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`agent_id`, `bucket_minute`)
);
--> statement-breakpoint
CREATE INDEX `rate_limit_buckets_minute` ON `rate_limit_buckets` (`bucket_minute`);--> statement-breakpoint
CREATE TABLE `pulse_runs` (
	`id` text PRIMARY KEY NOT NULL,
	`schedule_id` text NOT NULL,
	`status` text NOT NULL,
	`started_at` text NOT NULL,
	`finished_at` text,
	`duration_ms` integer,
	`output` text,
	`error` text,
	`session_id` text,
	`trigger` text DEFAULT 'scheduled' NOT NULL,
	`created_at` text NOT NULL,
	FOREIGN KEY (`schedule_id`) REFERENCES `pulse_schedules`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "pulse_runs_status" CHECK(status IN ('running', 'completed', 'failed', 'cancelled', 'timeout')),
	CONSTRAINT "pulse_runs_trigger" CHECK("trigger" IN ('scheduled', 'manual', 'agent'))
);
--> statement-breakpoint
CREATE INDEX `pulse_runs_schedule_created` ON `pulse_runs` (`schedule_id`,`created_at`);--> statement-breakpoint
CREATE INDEX `pulse_runs_created` ON `pulse_runs` (`created_at`);--> statement-breakpoint
CREATE INDEX `pulse_runs_status_created` ON `pulse_runs` (`status`,`created_at`);--> statement-breakpoint
CREATE INDEX `pulse_runs_session` ON `pulse_runs` (`session_id`) WHERE session_id IS NOT NULL;--> statement-breakpoint
CREATE TABLE `pulse_schedules` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`description` text,
	`cron` text NOT NULL,
	`timezone` text DEFAULT 'UTC',
	`prompt` text NOT NULL,
	`cwd` text,
	`enabled` integer DEFAULT true NOT NULL,
	`max_runtime` integer,
	`permission_mode` text DEFAULT 'acceptEdits' NOT NULL,
	`status` text DEFAULT 'active' NOT NULL,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	CONSTRAINT "pulse_schedules_status" CHECK(status IN ('active', 'paused', 'pending_approval')),
	CONSTRAINT "pulse_schedules_enabled" CHECK(enabled IN (0, 1))
);
--> statement-breakpoint
CREATE INDEX `pulse_schedules_created` ON `pulse_schedules` (`created_at`);--> statement-breakpoint
CREATE TABLE `relay_counts` (
	`subject` text PRIMARY KEY NOT NULL,
	`pending` integer DEFAULT 0 NOT NULL,
	`delivered` integer DEFAULT 0 NOT NULL,
	`failed` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE `relay_index` (
	`id` text PRIMARY KEY NOT NULL,
	`subject` text NOT NULL,
	`sender` text,
	`endpoint_hash` text NOT NULL,
	`status` text DEFAULT 'pending' NOT NULL,
	`expires_at` text,
	`payload` text,
	`metadata` text,
	`created_at` text NOT NULL,
	CONSTRAINT "relay_index_status" CHECK(status IN ('pending', 'delivered', 'failed'))
);
--> statement-breakpoint
CREATE INDEX `relay_index_subject` ON `relay_index` (`subject`,`id`);--> statement-breakpoint
CREATE INDEX `relay_index_endpoint` ON `relay_index` (`endpoint_hash`,`id`);--> statement-breakpoint
CREATE INDEX `relay_index_endpoint_pending` ON `relay_index` (`endpoint_hash`) WHERE status = 'pending';--> statement-breakpoint
CREATE INDEX `relay_index_sender_created` ON `relay_index` (`sender`,`created_at`);--> statement-breakpoint
CREATE INDEX `relay_index_sender` ON `relay_index` (`sender`,`id`);--> statement-breakpoint
CREATE INDEX `relay_index_status` ON `relay_index` (`status`,`id`);--> statement-breakpoint
CREATE INDEX `relay_index_expires` ON `relay_index` (`expires_at`) WHERE expires_at IS NOT NULL;--> statement-breakpoint
CREATE TABLE `relay_traces` (
	`id` text PRIMARY KEY NOT NULL,
	`message_id` text NOT NULL,
	`trace_id` text NOT NULL,
	`span_id` text,
	`parent_span_id` text,
	`subject` text NOT NULL,
	`from_endpoint` text,
	`to_endpoint` text,
	`status` text NOT NULL,
	`budget_hops_used` integer,
	`budget_ttl_remaining_ms` integer,
	`sent_at` text NOT NULL,
	`delivered_at` text,
	`processed_at` text,
	`error_message` text,
	`metadata` text,
	CONSTRAINT "relay_traces_status" CHECK(status IN ('sent', 'delivered', 'processed', 'failed', 'timeout', 'dead_lettered')),
	CONSTRAINT "relay_traces_metadata" CHECK(json_valid(metadata))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `relay_traces_message_id_unique` ON `relay_traces` (`message_id`);--> statement-breakpoint
CREATE INDEX `relay_traces_trace` ON `relay_traces` (`trace_id`,`sent_at`);--> statement-breakpoint
CREATE INDEX `relay_traces_dead_lettered` ON `relay_traces` (`status`,`sent_at`) WHERE status = 'dead_lettered';