import { MigrationError } from '../errors.ts';
import type { DependentObject } from './lineage.ts';
import type { TableFeature } from './table-features.ts';

/** A loss that a migration does not declare. */
export type Loss =
  | { readonly kind: 'rows'; readonly tag: string; readonly table: string; readonly had: number; readonly left: number }
  | {
      readonly kind: 'values';
      readonly tag: string;
      readonly table: string;
      readonly column: string;
      readonly had: number;
      readonly left: number;
    }
  | ({ readonly kind: 'feature'; readonly tag: string } & TableFeature)
  | { readonly kind: 'object'; readonly tag: string; readonly object: DependentObject };

function sentenceOf(loss: Loss): string {
  const { tag } = loss;
  switch (loss.kind) {
    case 'rows':
      return `${tag} would leave ${loss.left} of the ${loss.had} rows of ${loss.table}, and does not declare this loss.`;
    case 'values':
      return `${tag} rebuilds ${loss.table} and would leave ${loss.left} of the ${loss.had} values of its column ${loss.column}.`;
    case 'feature':
      return `${tag} rebuilds ${loss.table}, and the new table lacks ${loss.feature}.`;
    case 'object': {
      const { type, name, table } = loss.object;
      return `${tag} rebuilds ${table}, which would drop the ${type} ${name} without an explicit DROP.`;
    }
  }
}

/** Returns the names to allow, by migration. */
function namesByTag(losses: readonly Loss[]): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>();
  for (const loss of losses) {
    if (loss.kind === 'object') continue;
    names.set(loss.tag, (names.get(loss.tag) ?? new Set()).add(loss.kind === 'feature' ? loss.name : loss.table));
  }
  return names;
}

function hintOf(losses: readonly Loss[]): string {
  const hints: string[] = [];
  const names = namesByTag(losses);
  if (names.size > 0) {
    const comments = [...names].map(([tag, tables]) =>
      names.size === 1
        ? `-- allow-loss: ${[...tables].join(', ')}`
        : `-- allow-loss: ${[...tables].join(', ')} (${tag})`,
    );
    const lists = JSON.stringify(Object.fromEntries([...names].map(([tag, tables]) => [tag, [...tables]])));
    hints.push(
      `Correct the migration. If the loss is intended, add the comment ${comments.join('; ')} to its SQL; if its SQL must not change, pass allowLoss: ${lists}.`,
    );
  }
  for (const loss of losses) {
    if (loss.kind !== 'object') continue;
    const { name } = loss.object;
    hints.push(
      `Create ${name} again at the end of the migration, or DROP it there by name. If its SQL must not change, pass allowLoss: ${JSON.stringify({ [loss.tag]: [name] })}. If ${name} was added to this file by hand, drop it by hand first.`,
    );
  }
  return hints.join(' ');
}

/**
 * Throws one error for all undeclared losses.
 *
 * @throws MigrationError of kind `data_loss`
 */
export function refuseLosses(losses: readonly Loss[], cause?: unknown): void {
  if (losses.length === 0) return;
  throw new MigrationError(
    'data_loss',
    `${losses.map(sentenceOf).join(' ')} Everything was rolled back: nothing is lost.`,
    { hint: hintOf(losses), cause },
  );
}
