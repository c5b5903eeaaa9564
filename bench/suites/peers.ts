import type { Runtime, Suite, SuiteOptions } from '../harness/suite.ts';
import { installPeers } from '../peers/install.ts';
import { isThere, PEERS } from '../peers/list.ts';

/** The same work through what somebody would use instead. */
export function peersSuite(runtime: Runtime, { quick }: Pick<SuiteOptions, 'quick'>): Suite {
  const here = PEERS.filter(({ runtimes }) => runtimes.includes(runtime));
  // Otherwise all of them are installed before the first round.
  const absent = quick ? here.filter((peer) => !isThere(peer)).map(({ name }) => name) : [];
  const names = here.map(({ name }) => name).filter((name) => !absent.includes(name));
  return {
    name: 'peers',
    child: 'suites/peers.child.ts',
    rounds: 3,
    rows: 10_000,
    ...(!quick && { ready: installPeers }),
    table: {
      title: 'peers',
      compared: [
        'The same work through what somebody would use instead, as its documentation shows it, each on its own copy of one file of ours with the same tables, indexes and pragmas, giving equal objects; reads are medians, writes means.',
        'Where a peer gives promises they are awaited one by one.',
        ...(absent.length > 0
          ? [`Left out, since not installed: ${absent.join(', ')}; without --quick they are installed first.`]
          : []),
      ].join(' '),
      by: 'cpu',
      unit: 'us',
      arms: ['ours', 'bare', ...names],
      ratios: ['bare', ...names].map((name) => ({ title: `${name} / ours`, over: name, under: 'ours' })),
    },
  };
}
