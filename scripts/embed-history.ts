/** Writes drizzle/history.ts: the migrations of drizzle/ as text, so that they travel inside a bundle or a binary. */
import { embed } from '../src/engine/authoring/embed.ts';
import { project } from './project.ts';

embed(project);
