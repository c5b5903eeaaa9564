import { join } from 'node:path';
import { Family } from '../family.ts';
import { assertNoWreckage } from '../oracle.ts';
import { killed, type Moment, wreckageIn } from './kill.ts';

const FAMILY = new Family(2000);

const fileIn = (home: string) => join(home, 'family.db');

const MIGRATE: Moment = {
  name: 'migrate',
  promise: 'A migration that is killed leaves the file before or after it, never between; the next start goes on.',
  job: 'migrate',
  model: (home) => FAMILY.make(fileIn(home), join(home, 'drizzle')),
  args: (home) => ({ file: fileIn(home), folder: join(home, 'drizzle') }),
  check: (home) => {
    FAMILY.assertSnapshotsWhole(fileIn(home));
    const hasHalfSnapshot = wreckageIn(home).length > 0;
    const wasDone = FAMILY.goOn(fileIn(home));
    if (!wasDone) assertNoWreckage(home);
    return hasHalfSnapshot ? 'half a snapshot' : wasDone ? 'after' : 'before';
  },
  rounds: { quick: 4, usual: 40 },
  mustMeet: ['before|half a snapshot'],
};

const SNAPSHOT: Moment = {
  ...MIGRATE,
  name: 'snapshot',
  promise: 'Half a snapshot is no snapshot, and the next start removes it.',
  phase: 'snapshot',
  rounds: { quick: 6, usual: 30 },
  mustMeet: ['half a snapshot'],
};

export const KILL_MIGRATE = [MIGRATE, SNAPSHOT].map(killed);
