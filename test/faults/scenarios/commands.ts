import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { backup, createDb } from '#entry';
import type { Random } from '../../kit/random.ts';
import { HOSTILE_TEXTS } from '../../support/hostile-text.ts';
import { assertKept, writeHome } from '../oracle.ts';
import { EACH, type Scenario } from '../scenario.ts';

/** Every command, and options of it; none deletes what the oracle looks for. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  migrate: ['--dry-run', '--rehearse'],
  status: [],
  import: ['--dry-run', '--keep-orphans', '--from'],
  doctor: ['--deep', '--quick'],
  backup: ['--to', '--dir', '--label', '--deep'],
  backups: [],
  verify: ['--deep'],
  restore: ['--dry-run', '--deep'],
  recover: ['--to'],
  prune: ['--runs', '--traces-older-than', '--expired-messages'],
  checkpoint: ['--mode', '--wait'],
  optimize: [],
  compact: [],
  'repair-ledger': ['--reason', '--by'],
};

/** What the system lets through as an argument. */
const ARGUMENTS: readonly string[] = [
  ...Object.values(HOSTILE_TEXTS).filter((text) => text.length < 1000 && !text.includes('\0') && text.isWellFormed()),
  '-1',
  '0',
  '1e99',
  'NaN',
  '--',
  '-',
  '--unknown',
  '--db',
  '--json=x',
  '/dev/null',
  '/',
  'file:x',
  '~',
  'x'.repeat(300),
];

function argumentsOf(command: string, random: Random): string[] {
  const options = COMMANDS[command] ?? [];
  // Before the rest, where no option can take it for its value.
  const args: string[] = random.chance(0.4) ? [command, '--json'] : [command];
  for (let times = random.below(4); times > 0; times--) {
    if (options.length > 0 && random.chance(0.6)) args.push(random.pick(options));
    if (random.chance(0.6)) args.push(random.pick(ARGUMENTS));
  }
  return args;
}

const HOSTILE_COMMANDS: Scenario = {
  name: 'hostile-commands',
  promise: 'Whatever dork-db is given, it ends with one of its exit codes, an error and the way out; nothing is lost.',
  sides: EACH,
  rounds: { quick: 14, usual: 140 },
  async prepare({ folder: bench, dorkDb }) {
    const model = join(bench, 'model');
    mkdirSync(model);
    writeHome(join(model, 'dork.db'), model, ['ada'], 10);
    {
      using db = createDb(join(model, 'dork.db'));
      await backup(db);
    }
    return async ({ number, random, folder }) => {
      const home = join(folder, 'home');
      cpSync(model, home, { recursive: true });
      const names = Object.keys(COMMANDS);
      const args = argumentsOf(
        random.chance(0.1) ? random.pick(ARGUMENTS) : (names[number % names.length] ?? ''),
        random,
      );
      // After `--db` it is the name of a file.
      const isJson = args[0] !== '--db' && args[1] === '--json';
      const { code, signal, out, err } = await dorkDb(args, {
        env: { DORK_HOME: home, HOME: folder },
        cwd: folder,
      });
      const told = `dork-db ${JSON.stringify(args)} gave ${code ?? signal}: ${out}${err}`.slice(0, 3000);
      assert.ok(signal === null && [0, 1, 2, 3].includes(code ?? -1), told);
      assert.doesNotMatch(err, /^ {4}at /m, told);
      if (code === 1 && !isJson && !/doctor|backups|verify/.test(args[0] ?? '')) {
        assert.match(err, /^Error: /m, told);
        assert.match(err, /^Try: /m, told);
      }
      if (isJson && code !== 2 && out !== '') assert.doesNotThrow(() => JSON.parse(out), told);
      assertKept(join(home, 'dork.db'), home);
      return `exit ${code}`;
    };
  },
};

export const COMMAND_LINE = [HOSTILE_COMMANDS];
