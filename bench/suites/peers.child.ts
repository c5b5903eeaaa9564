import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bareId, openConfigured, PRAGMAS } from '../harness/bare.ts';
import { compareAll, FULL, QUICK } from '../harness/compare.ts';
import { importPackage } from '../harness/ours.ts';
import type { Measurement, SuiteOptions } from '../harness/suite.ts';
import { byHand } from '../peers/by-hand.ts';
import { isThere, PEERS } from '../peers/list.ts';
import type { PeerModule } from '../peers/peer.ts';
import { fillBuckets } from '../stores/fill.ts';
import { copyFilled } from '../stores/filled.ts';
import { type OpenedPeer, peerOperations } from '../stores/peers.ts';

export { prepareFilled as prepare } from '../stores/filled.ts';

export async function round({ folder, entry, rows, quick, only = '' }: SuiteOptions): Promise<Measurement[]> {
  const pkg = await importPackage(entry);
  const runtime = process.versions.bun ? 'bun' : 'node';
  const file = (arm: string) => {
    const path = copyFilled(folder, arm.replace(':', '-'));
    const database = openConfigured(path);
    fillBuckets(database);
    database.close();
    return path;
  };
  const db = pkg.createDb(file('ours'), { migrations: 'require' });
  const opened: OpenedPeer[] = [{ name: 'bare', isAsync: false, peer: byHand(openConfigured(file('bare'))) }];
  for (const listed of PEERS.filter((one) => one.runtimes.includes(runtime) && isThere(one))) {
    const { open } = (await import(
      pathToFileURL(join(import.meta.dirname, '..', 'peers', listed.file)).href
    )) as PeerModule;
    opened.push({ ...listed, peer: await open(file(listed.name), PRAGMAS) });
  }
  const operations = peerOperations({ pkg, db, rows, newId: bareId }, opened).filter(({ name }) => name.includes(only));
  const measured = await compareAll(operations, quick ? QUICK : FULL);
  pkg.closeDb(db);
  for (const { peer } of opened) await peer.close();
  return measured;
}
