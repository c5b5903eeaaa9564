import { relations, sql } from 'drizzle-orm';
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { historyOf, migration } from './migrations/support.ts';

/** A host's own schema: notes with tags. Its history also makes a full text search, triggers and a view. */
export const notes = sqliteTable('notes', {
  id: integer('id').primaryKey({ autoIncrement: true }),
  title: text('title').notNull(),
  body: text('body').notNull().default(''),
  words: integer('words').generatedAlwaysAs(sql`length(body)`, { mode: 'virtual' }),
});

export const tags = sqliteTable('tags', { name: text('name').primaryKey() });

export const noteTags = sqliteTable(
  'note_tags',
  {
    noteId: integer('note_id')
      .notNull()
      .references(() => notes.id, { onDelete: 'cascade' }),
    tag: text('tag')
      .notNull()
      .references(() => tags.name, { onDelete: 'cascade' }),
  },
  (table) => [primaryKey({ columns: [table.noteId, table.tag] })],
);

export const notesRelations = relations(notes, ({ many }) => ({ tags: many(noteTags) }));
export const noteTagsRelations = relations(noteTags, ({ one }) => ({
  note: one(notes, { fields: [noteTags.noteId], references: [notes.id] }),
}));

const CREATE = migration(
  '0000_create',
  'CREATE TABLE `notes` (`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL, `title` text NOT NULL)',
  'CREATE TABLE `tags` (`name` text PRIMARY KEY NOT NULL)',
  'CREATE TABLE `note_tags` (`note_id` integer NOT NULL REFERENCES `notes`(`id`) ON DELETE cascade, `tag` text NOT NULL REFERENCES `tags`(`name`) ON DELETE cascade, PRIMARY KEY(`note_id`, `tag`)) WITHOUT ROWID',
);

/** As drizzle-kit rebuilds a table: the parent of `note_tags` is dropped. */
const REBUILD = migration(
  '0001_body',
  'PRAGMA foreign_keys=OFF',
  "CREATE TABLE `__new_notes` (`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL, `title` text NOT NULL, `body` text DEFAULT '' NOT NULL, `words` integer GENERATED ALWAYS AS (length(body)) VIRTUAL)",
  'INSERT INTO `__new_notes`("id", "title") SELECT "id", "title" FROM `notes`',
  'DROP TABLE `notes`',
  'ALTER TABLE `__new_notes` RENAME TO `notes`',
  'PRAGMA foreign_keys=ON',
);

const SEARCH = migration(
  '0002_search',
  "CREATE VIRTUAL TABLE `notes_fts` USING fts5(title, body, content='notes', content_rowid='id')",
  "INSERT INTO `notes_fts`(`notes_fts`) VALUES ('rebuild')",
  'CREATE TRIGGER notes_insert AFTER INSERT ON notes BEGIN INSERT INTO notes_fts(rowid, title, body) VALUES (new.id, new.title, new.body); END',
  "CREATE TRIGGER notes_delete AFTER DELETE ON notes BEGIN INSERT INTO notes_fts(notes_fts, rowid, title, body) VALUES ('delete', old.id, old.title, old.body); END",
  'CREATE VIEW tagged AS SELECT n.id, n.title, count(t.tag) AS tags FROM notes n LEFT JOIN note_tags t ON t.note_id = n.id GROUP BY n.id',
  "CREATE UNIQUE INDEX notes_title ON notes (lower(title)) WHERE title <> ''",
);

export const schema = { notes, tags, noteTags, notesRelations, noteTagsRelations };

/** The history as it was after so many migrations. */
export function notesHistory(count = 3) {
  return historyOf(...[CREATE, REBUILD, SEARCH].slice(0, count));
}
