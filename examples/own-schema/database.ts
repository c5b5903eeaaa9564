import { defineDb } from '@dorkos/db/engine';
import { history } from './drizzle/history.ts';
import * as schema from './schema.ts';

/** The database of this program: every function of the package, for this schema. */
export const database = defineDb({
  name: 'notes',
  schema,
  history,
  applicationId: 0x6e6f7465, // "note": no other program's file is taken for one of ours
  defaultPath: () => process.env.NOTES_DB ?? 'notes.db',
  command: 'notes-db',
});

export type NotesDb = ReturnType<typeof database.createDb>;
