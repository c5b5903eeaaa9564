import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Job } from '../processes.ts';
import type { Bench } from '../scenario.ts';
import { type Changes, changesIn } from './changes.ts';
import { filesAfter, filesIn, keyOf } from './disk.ts';
import type { Operation } from './operation.ts';
import type { Line } from './told.ts';
import { answersIn, readTrace, type Trace } from './trace.ts';
import type { Tracer, TracerOptions } from './tracer.ts';

/** What an operation did, from the files before it. */
export interface Recording {
  readonly trace: Trace;
  /** A copy of the folder from before. */
  readonly before: string;
  readonly home: string;
}

/** Longer than any operation takes; one that hangs is a loss. */
const LONGEST_MS = 60_000;

/** Runs an operation in a home under the tracer. */
export async function traced(
  operation: Operation,
  bench: Bench,
  tracer: Tracer,
  home: string,
  options: Omit<TracerOptions, 'folder'>,
): Promise<Trace> {
  const logs = `${home}-logs`;
  const before = tracer.before({ folder: home, ...options });
  await using job = bench.start(operation.job, operation.args(home, logs), { before });
  await ended(job);
  return readTrace(options.log);
}

async function ended(job: Job): Promise<void> {
  const timer = setTimeout(() => job.child.kill('SIGKILL'), LONGEST_MS);
  const { signal } = await job.ended;
  clearTimeout(timer);
  assert.equal(signal, null, `It did not end within ${LONGEST_MS / 1000} s.`);
}

/** Makes the home of an operation in an empty folder, and runs the operation once. */
export async function record(
  operation: Operation,
  bench: Bench,
  tracer: Tracer,
  folder: string,
  withReads = false,
): Promise<Recording> {
  const [before, home] = [join(folder, 'before'), join(folder, 'home')];
  mkdirSync(home);
  await operation.prepare(home, bench);
  cpSync(home, before, { recursive: true, preserveTimestamps: true });
  const trace = await traced(operation, bench, tracer, home, { log: join(folder, 'trace'), withReads });
  const last = answersIn<Line>(trace).at(-1);
  assert.ok(last && 'done' in last, JSON.stringify(last));
  return { trace, before, home };
}

/** What it did to the files; done again it must yield the very files. */
export function changesOf({ trace, before, home }: Recording): Changes {
  const changes = changesIn(trace, before, home);
  const all = { cut: changes.steps.length, steps: new Set(changes.steps.keys()), torn: new Map() };
  assert.equal(keyOf(filesAfter(changes, all)), keyOf(filesIn(home)), 'The recorded calls do not yield the files.');
  return changes;
}
