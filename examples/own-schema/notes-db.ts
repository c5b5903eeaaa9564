#!/usr/bin/env bun
import { type Command, commandLine } from '@dorkos/db/engine';
import { database, type NotesDb } from './database.ts';
import { Notes } from './notes.ts';
import type * as schema from './schema.ts';

const add: Command<typeof schema, { body?: string; tag?: readonly string[] }> = {
  name: 'add',
  description: 'add a note',
  arguments: { '<title>': 'its title' },
  options: { '--body <text>': 'its text', '--tag <name...>': 'its tags' },
  examples: ['add "Shopping" --body "milk and bread" --tag home'],
  run: (call) => {
    const [title = ''] = call.args;
    using db: NotesDb = call.open({ migrations: 'require' });
    const id = new Notes(db).add({ title, body: call.options.body, tags: call.options.tag });
    call.print({ id }, `${id}: ${title}`);
  },
};

const search: Command<typeof schema> = {
  name: 'search',
  description: 'find notes by words',
  arguments: { '<words...>': 'all of them must be in the note' },
  help: 'Exit code 3 if there is none.',
  examples: ['search milk bread'],
  run: (call) => {
    using db: NotesDb = call.open({ migrations: 'require' });
    const found = new Notes(db).search(call.args.join(' '));
    if (found.length === 0) process.exitCode = 3;
    const rows = found.map(({ id, title, excerpt }) => [id, title, excerpt]);
    call.print(found, () => call.table(['id', 'title', 'excerpt'], rows));
  },
};

await commandLine(database, { commands: [add, search], description: 'Notes with tags and full text search.' });
