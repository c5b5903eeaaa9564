import type { Connection } from '../../../src/engine/connection/connection.ts';

/** So many rows are committed at a time: a backup that holds a part of them holds a torn transaction. */
export const BATCH = 10;

/** One row of the chained counter: each follows from the one before it, whoever wrote that. */
export interface Link {
  readonly seq: number;
  readonly by: string;
  readonly link: string;
}

/** FNV-1a, of the link before and what is new. https://www.ietf.org/archive/id/draft-eastlake-fnv-35.html */
function linkAfter(before: string, seq: number, by: string): string {
  let hash = 0x811c9dc5;
  for (const character of `${before} ${seq} ${by}`) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  return hash.toString(16);
}

export function createChain(connection: Connection): void {
  connection.exec(
    `CREATE TABLE IF NOT EXISTS chain (seq INTEGER PRIMARY KEY, writer TEXT NOT NULL, link TEXT NOT NULL) STRICT;
     CREATE TABLE IF NOT EXISTS chain_end (at INTEGER NOT NULL) STRICT`,
  );
}

/** Tells every writer to stop. */
export function endChain(connection: Connection): void {
  connection.exec('INSERT INTO chain_end VALUES (unixepoch())');
}

/**
 * Appends rows in transactions until the chain is ended, beside others who do the same.
 *
 * @param begun Called after the first transaction.
 */
export function writeChain(connection: Connection, by: string, begun: () => void): number {
  const isEnded = connection.prepare('SELECT 1 FROM chain_end');
  const last = connection.prepare<{ seq: number; link: string }>(
    'SELECT seq, link FROM chain ORDER BY seq DESC LIMIT 1',
  );
  const insert = connection.prepare('INSERT INTO chain (seq, writer, link) VALUES (?, ?, ?)');
  let committed = 0;
  for (;;) {
    const isDone = connection.runTransaction(() => {
      if (isEnded.get()) return true;
      let { seq, link } = last.get() ?? { seq: 0, link: '' };
      for (let i = 0; i < BATCH; i++) {
        seq++;
        link = linkAfter(link, seq, by);
        insert.run(seq, by, link);
      }
      return false;
    });
    if (isDone) return committed;
    if (committed === 0) begun();
    committed += BATCH;
  }
}

export function readChain(connection: Connection): Link[] {
  return connection.prepare<Link>('SELECT seq, writer AS by, link FROM chain ORDER BY seq').all();
}

/** What is wrong with a chain: a gap, a torn transaction, a row that does not follow; undefined where nothing is. */
export function faultOf(chain: readonly Link[]): string | undefined {
  if (chain.length % BATCH !== 0) return `${chain.length} rows are no whole number of transactions`;
  let before = '';
  for (const [i, { seq, by, link }] of chain.entries()) {
    if (seq !== i + 1) return `row ${i + 1} is ${seq}`;
    if (by !== chain[i - (i % BATCH)]?.by) return `transaction of row ${seq} has two writers`;
    if (link !== linkAfter(before, seq, by)) return `row ${seq} does not follow from the one before it`;
    before = link;
  }
  return undefined;
}
