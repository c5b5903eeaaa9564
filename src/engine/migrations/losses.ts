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

/** The names to allow, by migration. */
type NamesByTag = Map<string, Set<string>>;

/** Returns the names of lost triggers, views and indexes, or of all other losses. */
function namesByTag(losses: readonly Loss[], areObjects = false): NamesByTag {
  const names: NamesByTag = new Map();
  for (const loss of losses) {
    if ((loss.kind === 'object') === areObjects)
      names.set(loss.tag, (names.get(loss.tag) ?? new Set()).add(nameToAllow(loss)));
  }
  return names;
}

function nameToAllow(loss: Loss): string {
  if (loss.kind === 'object') return loss.object.name;
  return loss.kind === 'feature' ? loss.name : loss.table;
}

function listsOf(names: NamesByTag): string {
  return JSON.stringify(Object.fromEntries([...names].map(([tag, some]) => [tag, [...some]])));
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
    hints.push(
      `Correct the migration. If the loss is intended, add the comment ${comments.join('; ')} to its SQL; if its SQL must not change, pass allowLoss: ${listsOf(names)}.`,
    );
  }
  const objects = namesByTag(losses, true);
  if (objects.size > 0) {
    const names = [...new Set([...objects.values()].flatMap((some) => [...some]))].join(', ');
    hints.push(
      `Create ${names} again at the end of the migration, or DROP by name each that is not needed. If its SQL must not change, pass allowLoss: ${listsOf(objects)}. If one was added to this file by hand, drop it by hand first.`,
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
