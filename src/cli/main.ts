#!/usr/bin/env node
import packageJson from '../../package.json' with { type: 'json' };
import { VIEWS } from '../dork/console/views.ts';
import { dork } from '../dork/db.ts';
import { commandLine } from '../engine/cli/command-line.ts';
import { importOlder } from './commands/import.ts';
import { migrate } from './commands/migrate.ts';
import { prune } from './commands/prune.ts';

// bun:sqlite in Bun, better-sqlite3 elsewhere.
const api = process.versions.bun ? await import('../index.ts') : await import('../node.ts');

await commandLine(
  { definition: dork, ...api },
  {
    description: 'Everything DorkOS keeps, in one SQLite file.',
    version: packageJson.version,
    defaultPath: '$DORK_HOME/dork.db, else ~/.dork/dork.db',
    views: VIEWS,
    commands: [importOlder(api.moveReleaseAside), migrate, prune],
  },
);
