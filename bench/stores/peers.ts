import type { Db } from '../../src/dork/db.ts';
import type { Act, Operation } from '../harness/compare.ts';
import type { Package } from '../harness/ours.ts';
import type { Answer, MessageRow, Peer } from '../peers/peer.ts';
import { without } from './arms.ts';
import { agentOf, idOf, scheduleOf } from './fill.ts';
import { messageOf, newMessage, pageOf } from './message.ts';
import { newRun } from './run.ts';

/** A peer on its own copy of the file. */
export interface OpenedPeer {
  readonly name: string;
  /** True where its calls give promises. */
  readonly isAsync: boolean;
  readonly peer: Peer;
}

interface Ours {
  readonly pkg: Package;
  readonly db: Db;
  /** Rows of each big table. */
  readonly rows: number;
  readonly newId: () => string;
}

/** More calls than a bucket ever gets here. */
const MAX_CALLS = 1_000_000_000;

/** What most servers do most, once through ours and once through each peer. */
export function peerOperations({ pkg, db, rows, newId }: Ours, peers: readonly OpenedPeer[]): Operation[] {
  const index = new pkg.SqliteIndex(db);
  const pulse = new pkg.PulseStore(db);
  const budgets = new pkg.BudgetMapper(db);
  const id = (i: number) => idOf((i * 7919) % rows);
  const status = (i: number) => (i % 2 ? 'delivered' : 'failed');

  const operation = <T>(
    name: string,
    kind: Operation['kind'],
    ours: Act,
    ask: (peer: Peer, i: number) => Answer<T>,
    answer: (result: T) => unknown,
    comparable: (result: unknown) => unknown = (result) => result,
  ): Operation => ({
    name,
    kind,
    // A row of a driver may have another prototype; what is in it is compared.
    comparable: (result) => comparable(plain(result)),
    awaited: peers.filter(({ isAsync }) => isAsync).map((one) => one.name),
    arms: {
      ours,
      ...Object.fromEntries(
        peers.map(({ name: arm, isAsync, peer }): [string, Act] => [
          arm,
          isAsync ? async (i) => answer(await ask(peer, i)) : (i) => answer(ask(peer, i) as T),
        ]),
      ),
    },
  });

  return [
    operation(
      'getMessage',
      'read',
      (i) => index.getMessage(id(i)),
      (peer, i) => peer.getMessage(id(i)),
      (row) => messageOf(row as MessageRow),
    ),
    operation(
      'queryMessages(50)',
      'read',
      () => index.queryMessages(),
      (peer) => peer.newestMessages(51),
      (messages) => pageOf(messages as MessageRow[]),
    ),
    operation(
      'listRuns, 50',
      'read',
      () => pulse.listRuns(),
      (peer) => peer.newestRuns(50),
      (all) => all,
    ),
    operation(
      'insertMessage',
      'write',
      (i) => index.insertMessage(newMessage(i)),
      (peer, i) => peer.putMessage({ ...newMessage(i), metadata: null }),
      () => undefined,
    ),
    operation(
      'updateStatus',
      'write',
      (i) => index.updateStatus(id(i), status(i)),
      (peer, i) => peer.updateStatus(id(i), status(i)),
      (changed) => changed,
    ),
    operation(
      'createRun',
      'write',
      (i) => pulse.createRun(scheduleOf(i), 'scheduled'),
      (peer, i) => peer.createRun(newRun(newId(), scheduleOf(i))),
      (run) => run,
      without('id', 'startedAt', 'createdAt'),
    ),
    operation(
      'tryRecordCall',
      'write',
      (i) => budgets.tryRecordCall(agentOf(i), MAX_CALLS),
      (peer, i) => peer.tryRecordCall(agentOf(i), Math.floor(Date.now() / 60_000), MAX_CALLS),
      (result) => result,
    ),
  ];
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
