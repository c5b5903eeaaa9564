-- Drizzle has no virtual tables: this migration was made with `generate full_text_search --custom`.
CREATE VIRTUAL TABLE `notes_fts` USING fts5(title, body, content='notes', content_rowid='id');
--> statement-breakpoint
INSERT INTO `notes_fts`(`notes_fts`) VALUES ('rebuild');
--> statement-breakpoint
CREATE TRIGGER `notes_fts_insert` AFTER INSERT ON `notes` BEGIN
  INSERT INTO `notes_fts`(rowid, title, body) VALUES (new.id, new.title, new.body);
END;
--> statement-breakpoint
CREATE TRIGGER `notes_fts_delete` AFTER DELETE ON `notes` BEGIN
  INSERT INTO `notes_fts`(`notes_fts`, rowid, title, body) VALUES ('delete', old.id, old.title, old.body);
END;
--> statement-breakpoint
CREATE TRIGGER `notes_fts_update` AFTER UPDATE OF title, body ON `notes` BEGIN
  INSERT INTO `notes_fts`(`notes_fts`, rowid, title, body) VALUES ('delete', old.id, old.title, old.body);
  INSERT INTO `notes_fts`(rowid, title, body) VALUES (new.id, new.title, new.body);
END;
