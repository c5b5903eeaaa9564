import { eq } from 'drizzle-orm';
import type { NotesDb } from './database.ts';
import { notes, noteTags } from './schema.ts';

export interface NewNote {
  readonly title: string;
  readonly body?: string;
  readonly tags?: readonly string[];
}

export interface Found {
  readonly id: number;
  readonly title: string;
  /** Where the words are in the body, in brackets. */
  readonly excerpt: string;
}

/** Notes with tags, over one connection. */
export class Notes {
  readonly #db: NotesDb;
  readonly #search: ReturnType<typeof searchOf>;

  constructor(db: NotesDb) {
    this.#db = db;
    this.#search = searchOf(db);
  }

  /** Stores a note with its tags, or nothing of both, and returns its id. */
  add({ title, body = '', tags = [] }: NewNote): number {
    return this.#db.transaction((tx) => {
      const note = { title, body, createdAt: new Date().toISOString() };
      const { id } = tx.insert(notes).values(note).returning({ id: notes.id }).get();
      for (const tag of new Set(tags)) tx.insert(noteTags).values({ noteId: id, tag }).run();
      return id;
    });
  }

  /** Returns a note with its tags; undefined if there is none. */
  get(id: number) {
    return this.#db.query.notes.findFirst({ where: eq(notes.id, id), with: { tags: true } }).sync();
  }

  /** Returns the notes with a tag, oldest first. */
  withTag(tag: string) {
    return this.#db
      .select({ id: notes.id, title: notes.title })
      .from(notes)
      .innerJoin(noteTags, eq(noteTags.noteId, notes.id))
      .where(eq(noteTags.tag, tag))
      .orderBy(notes.id)
      .all();
  }

  /** Returns the notes that hold all words, the best first. */
  search(words: string): Found[] {
    // In quotation marks a word is a word, whatever FTS5 would take it for.
    const quoted = words
      .split(/\s+/)
      .filter((word) => word !== '')
      .map((word) => `"${word.replaceAll('"', '""')}"`);
    return quoted.length === 0 ? [] : this.#search.all(quoted.join(' '));
  }

  /** Deletes a note; its tags go with it. Returns false if there is none. */
  delete(id: number): boolean {
    return this.#db.delete(notes).where(eq(notes.id, id)).run().changes > 0;
  }
}

/** Prepared once: what Drizzle has no words for is plain SQL on the connection. */
function searchOf(db: NotesDb) {
  return db.$client.prepare<Found>(`
    SELECT n.id, n.title, snippet(notes_fts, 1, '[', ']', '…', 8) AS excerpt
    FROM notes_fts JOIN notes n ON n.id = notes_fts.rowid
    WHERE notes_fts MATCH ? ORDER BY rank LIMIT 20`);
}
