import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { snapshotPath } from '../migrations/kit-snapshot.ts';
import { problemOfName, type RandomNames } from './names.ts';
import type { Problem } from './problem.ts';

interface Entry {
  readonly idx: number;
  readonly when: number;
  readonly tag: string;
}

/** The part of drizzle-kit's snapshots that chains them. */
interface ChainLink {
  readonly id: string;
  readonly prevId: string;
}

/** Returns the entries of the journal; none for a folder that drizzle-kit has not written to yet. */
export function journalEntries(folder: string): readonly Entry[] {
  const path = join(folder, 'meta', '_journal.json');
  if (!existsSync(path)) return [];
  const journal = JSON.parse(readFileSync(path, 'utf8')) as { readonly entries: readonly Entry[] };
  return journal.entries;
}

const MERGE_HINT =
  'Delete the files and the journal entry of the migration that is not released, and generate it again.';

/**
 * Checks that the journal, its order, the files, and the chain of snapshots agree.
 *
 * @param randomNames Given if the names of migrations must describe their purpose.
 */
export function problemsOfFolder(folder: string, generate: string, randomNames?: RandomNames): Problem[] {
  const entries = journalEntries(folder);
  const problems: Problem[] = [];
  const add = (message: string, hint: string) => problems.push({ message, hint });

  for (const [i, { idx, when, tag }] of entries.entries()) {
    const [, number, name = ''] = /^(\d{4})_(.*)$/.exec(tag) ?? [];
    // drizzle-kit can also number migrations by time.
    const isNumbered = randomNames !== undefined || number !== undefined;
    if (idx !== i || (isNumbered && number !== String(i).padStart(4, '0')))
      add(`${tag} is entry ${i} of the journal, but has another number.`, MERGE_HINT);
    const problem = randomNames && problemOfName(name, randomNames);
    if (problem) add(`The name of ${tag} ${problem}.`, 'Rename its file and its journal entry after its purpose.');
    const previous = entries[i - 1];
    if (previous && when <= previous.when)
      add(`${tag} is not newer than ${previous.tag}, the entry before it in the journal.`, MERGE_HINT);
    if (!existsSync(join(folder, `${tag}.sql`)))
      add(`${tag}.sql is in the journal but not in the folder.`, 'Put the file back.');
  }
  const tags = new Set(entries.map(({ tag }) => tag));
  for (const name of readdirSync(folder)) {
    if (name.endsWith('.sql') && !tags.has(name.slice(0, -4)))
      add(`${name} is in the folder but not in the journal.`, `Delete it, or generate it with ${generate} NAME.`);
  }
  return [...problems, ...problemsOfChain(folder, entries)];
}

/** Finds two snapshots with the same parent after a merge: drizzle-kit would lose the changes of one branch. */
function problemsOfChain(folder: string, entries: readonly Entry[]): Problem[] {
  const problems: Problem[] = [];
  let previous: ChainLink | undefined;
  for (const { idx, tag } of entries) {
    const path = snapshotPath(folder, idx);
    if (!existsSync(path)) {
      problems.push({ message: `${tag} has no snapshot in meta/.`, hint: 'Put it back, or generate the entry again.' });
      return problems;
    }
    const snapshot = JSON.parse(readFileSync(path, 'utf8')) as ChainLink;
    if (previous && snapshot.prevId !== previous.id)
      problems.push({ message: `The snapshot of ${tag} does not follow the previous one.`, hint: MERGE_HINT });
    previous = snapshot;
  }
  return problems;
}
