import { existsSync, readFileSync } from 'node:fs';
import type { Act } from './compare.ts';

const COUNTERS = '/proc/self/io';

const CALLS = 100;

/** Rows that a timing has not just asked for. */
const FIRST = 7_654_321;

/** The column of how often a call of an arm reads the file. */
export function readsACall(arm: string): string {
  return `reads of the file a call, ${arm}`;
}

/** How often a call of each arm reads the file, since what it needs is not in SQLite's page cache; empty where the system does not count. */
export function fileReads(arms: Readonly<Record<string, Act>>): Record<string, number> {
  if (!existsSync(COUNTERS)) return {};
  return Object.fromEntries(Object.entries(arms).map(([arm, act]) => [readsACall(arm), readsOf(act)]));
}

function readsOf(act: Act): number {
  // Reading the counters counts too.
  const own = -systemReads() + systemReads();
  const before = systemReads();
  for (let i = 0; i < CALLS; i++) act(FIRST + i);
  return (systemReads() - before - own) / CALLS;
}

/** https://man7.org/linux/man-pages/man5/proc_pid_io.5.html */
function systemReads(): number {
  return Number(/^syscr: (\d+)$/m.exec(readFileSync(COUNTERS, 'utf8'))?.[1]);
}
