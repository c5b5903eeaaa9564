import type { Scenario } from '../scenario.ts';
import { CLOCKS_SET } from './clocks.ts';
import { CLOSING_AND_MODES } from './closing.ts';
import { COMMAND_LINE } from './commands.ts';
import { CONTAINED } from './containers.ts';
import { DAMAGE } from './damage.ts';
import { EXCHANGED_FILES } from './exchanged.ts';
import { FAILING } from './failing.ts';
import { FLUSHES } from './flushes.ts';
import { FUZZ } from './fuzz.ts';
import { HISTORIES } from './histories.ts';
import { KILL_IMPORT } from './kill-import.ts';
import { KILL_MIGRATE } from './kill-migrate.ts';
import { KILL_MOMENTS } from './kill-moments.ts';
import { KILL_TAKE_IN } from './kill-take-in.ts';
import { OLDER_FILES } from './older-files.ts';
import { ORACLE } from './oracle.ts';
import { PAIRS_AT_ONCE } from './pairs.ts';
import { PATHS } from './paths.ts';
import { PLANTED } from './planted.ts';
import { POWER } from './power.ts';
import { ROOM } from './room.ts';
import { SOAK } from './soak.ts';
import { TOGETHER } from './together.ts';

/** Every fault, in the order of the table. */
export const SCENARIOS: readonly Scenario[] = [
  // The longest first.
  SOAK,
  ORACLE,
  PAIRS_AT_ONCE,
  ...KILL_MOMENTS,
  ...KILL_MIGRATE,
  ...KILL_IMPORT,
  ...KILL_TAKE_IN,
  ...POWER,
  ...FAILING,
  ...FLUSHES,
  ...DAMAGE,
  ...HISTORIES,
  ...TOGETHER,
  ...ROOM,
  ...PATHS,
  ...FUZZ,
  ...OLDER_FILES,
  ...COMMAND_LINE,
  ...CLOSING_AND_MODES,
  ...PLANTED,
  ...EXCHANGED_FILES,
  ...CONTAINED,
  ...CLOCKS_SET,
];
