import { history } from '../../drizzle/history.ts';
import { createDefaultHome } from '../core/file.ts';
import { defaultDbPath } from '../core/path.ts';
import { APPLICATION_ID } from '../core/pragmas.ts';
import type { Definition } from '../engine/definition.ts';
import { checkLegacy } from '../health/legacy.ts';
import { RECOUNT } from '../relay/rebuild-sql.ts';
import * as schema from '../schema.ts';
import { checkCounters } from './check-counters.ts';

/** DorkOS's database, as the engine knows it. */
export const dork: Definition<typeof schema> = {
  name: 'dork',
  schema,
  history,
  applicationId: APPLICATION_ID,
  defaultPath: defaultDbPath,
  createDefaultFolder: createDefaultHome,
  command: 'dork-db',
  healthChecks: [
    ['counters', (look) => checkCounters(look)],
    ['legacy', (look) => checkLegacy(look)],
  ],
  afterRecover: RECOUNT,
};
