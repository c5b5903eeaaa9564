import { constants } from 'node:os';
import type { Random } from '../../kit/random.ts';
import type { Call, Trace } from './trace.ts';
import type { FailingCall } from './tracer.ts';

const { EACCES, EIO, EINTR, EINVAL, EMFILE, ENOLCK, ENOMEM, ENOSPC, EOPNOTSUPP, EPERM } = constants.errno;

/** How a call of each kind may fail. */
const WAYS: Readonly<Record<string, readonly FailingCall['how'][]>> = {
  open: [EIO, EMFILE, EACCES, ENOSPC],
  read: [EIO, EINTR, 'short'],
  write: [EIO, ENOSPC, EINTR, 'short'],
  truncate: [EIO, EACCES, EINTR],
  fallocate: [EIO, ENOSPC, EOPNOTSUPP],
  fsync: [EIO, ENOSPC, EINVAL],
  rename: [EIO, EACCES, ENOSPC],
  link: [EIO, EPERM, ENOSPC],
  unlink: [EIO, EACCES],
  mkdir: [EIO, EACCES, ENOSPC],
  copy: [EIO, ENOSPC, EOPNOTSUPP],
  clone: [EIO, EOPNOTSUPP],
  chmod: [EIO, EPERM],
  chown: [EIO, EPERM],
  stat: [EIO, EACCES],
  access: [EIO, EACCES],
  readlink: [EIO, EACCES],
  getdents: [EIO, EACCES],
  statfs: [EIO],
  lock: [EIO, EINTR, ENOLCK],
  mmap: [EIO, ENOMEM],
};

/** These fail for good too: a full disk stays full. */
const GOES_ON: Readonly<Record<string, readonly FailingCall['how'][]>> = { write: [ENOSPC, EIO], fsync: [EIO] };

/** Every call of an operation with every way in which it may fail, in a random order: the rare kinds first. */
export function failuresOf(trace: Trace, random: Random): FailingCall[] {
  const counts = new Map<string, number>();
  for (const call of trace.calls) {
    if (call.kind !== 'say' && (call as Call).path) counts.set(call.kind, (counts.get(call.kind) ?? 0) + 1);
  }
  const all = [...counts].flatMap(([kind, count]) =>
    Array.from({ length: count }, (_, n) => [
      ...(WAYS[kind] ?? []).map((how) => ({ kind, n, how })),
      ...(GOES_ON[kind] ?? []).map((how) => ({ kind, n, how, goesOn: true })),
    ]).flat(),
  );
  for (let i = all.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [all[i], all[j]] = [all[j] as FailingCall, all[i] as FailingCall];
  }
  // Of each kind one after the other: there are hundreds of reads, and two renames.
  const met = new Map<string, number>();
  const turn = new Map(
    all.map((failing) => {
      const times = (met.get(failing.kind) ?? 0) + 1;
      met.set(failing.kind, times);
      return [failing, times];
    }),
  );
  return all.sort((a, b) => (turn.get(a) ?? 0) - (turn.get(b) ?? 0));
}

/** For people: `fsync 3: EIO`. */
export function nameOf({ kind, n, how, goesOn }: FailingCall): string {
  const error = Object.entries(constants.errno).find(([, number]) => number === how)?.[0] ?? how;
  return `${kind} ${n}: ${error}${goesOn ? ', and all that follow' : ''}`;
}
