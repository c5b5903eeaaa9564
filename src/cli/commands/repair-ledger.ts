import type { Command } from 'commander';
import { repairLedger } from '../../engine/migrate-db.ts';
import type { LedgerRepair } from '../../engine/migrations/repair.ts';
import type { CommonOptions } from '../context.ts';
import { openExisting } from '../open-existing.ts';
import { print, printJson } from '../output.ts';

interface RepairLedgerCommandOptions extends CommonOptions {
  readonly reason?: string;
}

export function addRepairLedger(add: (name: string) => Command): void {
  add('repair-ledger')
    .description('accept an applied migration whose file was edited since; records who, when, why and both hashes')
    .argument('<tag>', 'the migration, as 0003_budgets')
    .option('--reason <text>', 'why the edit is right, for whoever reads the log')
    .addHelpText(
      'after',
      '\nNo SQL of the migration is run, and nothing else is written.\n\nExamples:\n  dork-db repair-ledger 0003_budgets --reason "a comment was corrected"',
    )
    .action(runRepairLedger);
}

async function runRepairLedger(tag: string, { reason, ...options }: RepairLedgerCommandOptions): Promise<void> {
  using db = await openExisting(options);
  const repair = repairLedger(db, tag, { reason });
  if (options.json) printJson(repair);
  else print(describe(repair));
}

function describe({ filename, tag, previousHash, hash, isCosmetic, at, by, reason, drift }: LedgerRepair): string {
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
    `Recorded in __dork_migrations_log: ${at}, ${by}${reason === undefined ? '' : `, ${reason}`}`,
    ...drift.map(({ kind, type, name }) => `Drift: ${kind} ${type} ${name}`),
  ].join('\n');
}
