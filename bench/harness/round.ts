/**
 * One round of a suite in a process of its own: `round.ts prepare|round FILE OPTIONS`. The last line of its output is
 * what was measured, as JSON.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ChildSuite, SuiteOptions } from './suite.ts';

const [, , step, file = '', json = '{}'] = process.argv;
const suite = (await import(pathToFileURL(join(import.meta.dirname, '..', file)).href)) as ChildSuite;
const options = JSON.parse(json) as SuiteOptions;
if (step === 'prepare') await suite.prepare?.(options);
else console.log(JSON.stringify(await suite.round(options)));
