import { relations } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

export const notes = sqliteTable(
  'notes',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    title: text('title').notNull(),
    body: text('body').notNull().default(''),
    /** ISO 8601, UTC. */
    createdAt: text('created_at').notNull(),
  },
  (table) => [index('notes_created_at').on(table.createdAt)],
);

export const noteTags = sqliteTable(
  'note_tags',
  {
    noteId: integer('note_id')
      .notNull()
      .references(() => notes.id, { onDelete: 'cascade' }),
    tag: text('tag').notNull(),
  },
  (table) => [primaryKey({ columns: [table.noteId, table.tag] }), index('note_tags_tag').on(table.tag)],
);

export const notesRelations = relations(notes, ({ many }) => ({ tags: many(noteTags) }));
export const noteTagsRelations = relations(noteTags, ({ one }) => ({
  note: one(notes, { fields: [noteTags.noteId], references: [notes.id] }),
}));
