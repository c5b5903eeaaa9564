import type { Schema } from '../../connection/db.ts';
import type { LedgerRepair } from '../../migrations/repair.ts';
import type { Call, Command } from '../command.ts';

interface Options {
  readonly reason?: string;
}

export const repairLedger: Command = {
  name: 'repair-ledger',
  group: 'Schema',
  description: 'accept an applied migration whose file was edited since; records who, when, why and both hashes',
  arguments: { '<tag>': 'the migration, as 0003_budgets' },
  options: { '--reason <text>': 'why the edit is right, for whoever reads the log' },
  help: 'No SQL of the migration is run, and nothing else is written.',
  examples: ['repair-ledger 0003_budgets --reason "a comment was corrected"'],
  run: runRepairLedger,
};

function runRepairLedger(call: Call<Schema, Options>): void {
  const [tag = ''] = call.args;
  using db = call.open();
  const repair = call.kit.repairLedger(db, tag, { reason: call.options.reason });
  call.print(repair, () => describe(repair, call.kit.definition.name));
}

function describe(repair: LedgerRepair, name: string): string {
  const { filename, tag, previousHash, hash, isCosmetic, at, by, reason, drift } = repair;
  const edit =
    isCosmetic === undefined
      ? ''
      : isCosmetic
        ? ' Only comments, white space or line ends had changed.'
        : ' Its SQL had changed; the new SQL was not run.';
  return [
    `${filename}: ${tag} is accepted as it is now.${edit}`,
    `  was ${previousHash}`,
    `  now ${hash}`,
    `Recorded in __${name}_migrations_log: ${at}, ${by}${reason === undefined ? '' : `, ${reason}`}`,
    ...drift.map(({ kind, type, name }) => `Drift: ${kind} ${type} ${name}`),
  ].join('\n');
}
