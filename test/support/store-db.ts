import { copyFileSync } from 'node:fs';
import { createDb, type Db, guardDomains } from '#entry';
import { temporaryFolder } from './folder.ts';
import {
  assertQueryPlans,
  type PreparedStatement,
  type QueryPlanExpectations,
  recordStatements,
} from './query-plan.ts';

/** A database for the tests of a store. */
export interface StoreTestDb extends Disposable {
  readonly db: Db;
  /** The file, absolute. */
  readonly path: string;
  /** What the stores have prepared until now. */
  statements(): PreparedStatement[];
  /** Asserts the plan of every statement that the stores have prepared until now. */
  assertQueryPlans(expectations?: QueryPlanExpectations): void;
}

let model: string | undefined;

/** A dork.db that is copied, since its history takes 20 times as long as its bytes; removed with this process. */
function modelFile(): string {
  if (model !== undefined) return model;
  const folder = temporaryFolder();
  process.once('exit', () => folder[Symbol.dispose]());
  model = folder.file('dork.db');
  createDb(model).$client.close();
  return model;
}

/**
 * A new dork.db in a temporary folder, with `guardDomains()` on; closed and removed at the end of the block:
 * `using test = storeDb()`.
 */
export function storeDb(): StoreTestDb {
  const folder = temporaryFolder();
  const path = folder.file('dork.db');
  copyFileSync(modelFile(), path);
  const db = createDb(path);
  guardDomains(db);
  const statements = recordStatements(db.$client);
  return {
    db,
    path,
    statements,
    assertQueryPlans: (expectations) => assertQueryPlans(db.$client, statements(), expectations),
    [Symbol.dispose]: () => {
      db.$client.close();
      folder[Symbol.dispose]();
    },
  };
}
