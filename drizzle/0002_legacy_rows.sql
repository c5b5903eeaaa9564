-- WITHOUT ROWID is ours: drizzle-kit does not write it, and without it the table is twice as large.
CREATE TABLE `legacy_rows` (
	`kind` text NOT NULL,
	`id` text NOT NULL,
	`state` text NOT NULL,
	PRIMARY KEY(`kind`, `id`),
	CONSTRAINT "legacy_rows_kind" CHECK(kind IN ('schedule', 'run', 'message', 'span', 'agent', 'denial', 'bucket'))
) WITHOUT ROWID;
