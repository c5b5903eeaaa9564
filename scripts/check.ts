/** Fails if the schema, drizzle/ and drizzle/history.ts disagree, or if a migration has a known trap. */
import { existsSync } from 'node:fs';
import { problemsOf } from '../src/engine/authoring/check.ts';
import { project, report } from './project.ts';

const missing = { message: 'drizzle/history.ts is missing.', hint: project.commands.embed };
process.exitCode = report(existsSync(project.module) ? await problemsOf(project) : [missing]);
if (process.exitCode === 0) console.log('The schema, drizzle/ and drizzle/history.ts agree.');
