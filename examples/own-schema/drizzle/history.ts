// Made from the SQL files of drizzle by `dork-db embed`; not to be edited.
import type { History } from '@dorkos/db/engine';

export const history: History = {
  "schema": [
    "CREATE TABLE `note_tags` (\n\t`note_id` integer NOT NULL,\n\t`tag` text NOT NULL,\n\tPRIMARY KEY(`note_id`, `tag`),\n\tFOREIGN KEY (`note_id`) REFERENCES `notes`(`id`) ON UPDATE no action ON DELETE cascade\n)",
    "CREATE INDEX `note_tags_tag` ON `note_tags` (`tag`)",
    "CREATE TABLE `notes` (\n\t`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,\n\t`title` text NOT NULL,\n\t`body` text DEFAULT '' NOT NULL,\n\t`created_at` text NOT NULL\n)",
    "CREATE INDEX `notes_created_at` ON `notes` (`created_at`)",
    "CREATE VIRTUAL TABLE `notes_fts` USING fts5(title, body, content='notes', content_rowid='id')",
    "CREATE TABLE 'notes_fts_data'(id INTEGER PRIMARY KEY, block BLOB)",
    "CREATE TABLE 'notes_fts_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID",
    "CREATE TABLE 'notes_fts_docsize'(id INTEGER PRIMARY KEY, sz BLOB)",
    "CREATE TABLE 'notes_fts_config'(k PRIMARY KEY, v) WITHOUT ROWID",
    "CREATE TRIGGER `notes_fts_insert` AFTER INSERT ON `notes` BEGIN\n  INSERT INTO `notes_fts`(rowid, title, body) VALUES (new.id, new.title, new.body);\nEND",
    "CREATE TRIGGER `notes_fts_delete` AFTER DELETE ON `notes` BEGIN\n  INSERT INTO `notes_fts`(`notes_fts`, rowid, title, body) VALUES ('delete', old.id, old.title, old.body);\nEND",
    "CREATE TRIGGER `notes_fts_update` AFTER UPDATE OF title, body ON `notes` BEGIN\n  INSERT INTO `notes_fts`(`notes_fts`, rowid, title, body) VALUES ('delete', old.id, old.title, old.body);\n  INSERT INTO `notes_fts`(rowid, title, body) VALUES (new.id, new.title, new.body);\nEND"
  ],
  "migrations": [
    {
      "tag": "0000_create_notes",
      "when": 1795938971820,
      "hash": "6ab5cf34c1e9fcd6e85b0151a00f1a56d93fad4e9d1b41fbcfda75db84ff8345",
      "sql": "CREATE TABLE `note_tags` (\n\t`note_id` integer NOT NULL,\n\t`tag` text NOT NULL,\n\tPRIMARY KEY(`note_id`, `tag`),\n\tFOREIGN KEY (`note_id`) REFERENCES `notes`(`id`) ON UPDATE no action ON DELETE cascade\n);\n--> statement-breakpoint\nCREATE INDEX `note_tags_tag` ON `note_tags` (`tag`);--> statement-breakpoint\nCREATE TABLE `notes` (\n\t`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,\n\t`title` text NOT NULL,\n\t`body` text DEFAULT '' NOT NULL,\n\t`created_at` text NOT NULL\n);\n--> statement-breakpoint\nCREATE INDEX `notes_created_at` ON `notes` (`created_at`);"
    },
    {
      "tag": "0001_full_text_search",
      "when": 1795938974435,
      "hash": "cf56098aa6c954501ae152815e289f2e6110bd2a58fb5cb73b911a79ccee30f8",
      "sql": "-- Drizzle has no virtual tables: this migration was made with `generate full_text_search --custom`.\nCREATE VIRTUAL TABLE `notes_fts` USING fts5(title, body, content='notes', content_rowid='id');\n--> statement-breakpoint\nINSERT INTO `notes_fts`(`notes_fts`) VALUES ('rebuild');\n--> statement-breakpoint\nCREATE TRIGGER `notes_fts_insert` AFTER INSERT ON `notes` BEGIN\n  INSERT INTO `notes_fts`(rowid, title, body) VALUES (new.id, new.title, new.body);\nEND;\n--> statement-breakpoint\nCREATE TRIGGER `notes_fts_delete` AFTER DELETE ON `notes` BEGIN\n  INSERT INTO `notes_fts`(`notes_fts`, rowid, title, body) VALUES ('delete', old.id, old.title, old.body);\nEND;\n--> statement-breakpoint\nCREATE TRIGGER `notes_fts_update` AFTER UPDATE OF title, body ON `notes` BEGIN\n  INSERT INTO `notes_fts`(`notes_fts`, rowid, title, body) VALUES ('delete', old.id, old.title, old.body);\n  INSERT INTO `notes_fts`(rowid, title, body) VALUES (new.id, new.title, new.body);\nEND;\n"
    }
  ]
};
