import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programsFolder, ROOT } from '../../support/runtime.ts';
import type { Bench } from '../scenario.ts';
import { NotAllowed } from '../scenario.ts';

/** A tracer for this machine. */
export interface Tracer {
  /** Shell commands that come before those of a job, so that the job runs under the tracer. */
  before(options: TracerOptions): string;
}

export interface TracerOptions {
  /** The folder whose calls are seen. */
  readonly folder: string;
  /** Where the log is written: `LOG` and `LOG.bytes`. */
  readonly log: string;
  /** Sees calls that only read, too. Default false. */
  readonly withReads?: boolean;
  /** The call that fails. */
  readonly failing?: FailingCall;
}

/** The N-th call of a kind fails, N from 0. */
export interface FailingCall {
  readonly kind: string;
  readonly n: number;
  /** The number of an errno, or half of the bytes. */
  readonly how: number | 'short';
  /** All that follow fail, too. Default false. */
  readonly goesOn?: boolean;
}

/** Memory instead of a disk, where there is one; what is tried does not need a disk. */
export function fastFolder(prefix: string): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), prefix));
}

/**
 * Builds the tracer, once in a run of all suites.
 *
 * @throws NotAllowed if there is no compiler, or if the system lets nobody be traced.
 */
export function buildTracer({ folder }: Bench): Tracer {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new NotAllowed('The tracer of system calls is for Linux on x86-64.');
  }
  const program = join(programsFolder() ?? folder, 'tracer');
  if (!existsSync(program)) compile(program);
  const trial = join(folder, 'trial');
  const tried = spawnSync(program, ['-r', folder, '-o', trial, '--', 'touch', join(folder, 'touched')]);
  if (tried.status !== 0 || !readFileSync(trial, 'utf8').includes('touched')) {
    throw new NotAllowed(`The system lets no process be traced (ptrace, seccomp): ${tried.stderr}`);
  }
  return {
    before: ({ folder: of, log, withReads = false, failing }) => {
      const options = ['-r', of, '-o', log, '-d', `${log}.bytes`];
      if (withReads) options.push('-R');
      if (failing) options.push('-i', `${failing.kind}:${failing.n}:${failing.how}${failing.goesOn ? '+' : ''}`);
      return `exec ${[program, ...options].map((word) => `'${word}'`).join(' ')} -- "$@";`;
    },
  };
}

/** Another process may do the same at the same time. */
function compile(program: string): void {
  const source = join(ROOT, 'test', 'faults', 'power', 'tracer', 'tracer.c');
  const own = `${program}-${process.pid}`;
  const built = spawnSync('gcc', ['-O2', '-Wall', '-Werror', '-o', own, source], { encoding: 'utf8' });
  if (built.error) throw new NotAllowed('It needs gcc: apt-get install gcc libc6-dev.');
  if (built.status !== 0) throw new Error(`The tracer cannot be built: ${built.stderr}`);
  renameSync(own, program);
}
