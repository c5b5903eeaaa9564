DROP INDEX `relay_index_endpoint_pending`;--> statement-breakpoint
CREATE INDEX `relay_index_endpoint_pending` ON `relay_index` (`endpoint_hash`,`id`) WHERE status = 'pending';