import { spawnSync } from 'node:child_process';
import { type Bench, NotAllowed } from './scenario.ts';

/** What a container has of its own. */
export interface ContainerOptions {
  /** Shell commands that mount something, for the container alone. */
  readonly mounts?: readonly string[];
  /** Variables that the program does not have. */
  readonly unset?: readonly string[];
}

/** With a user of its own who is root in there, if this process is not root itself. */
const NAMESPACES = [...(process.getuid?.() === 0 ? [] : ['-r']), '-m', '-p', '-f', '--mount-proc', '--kill-child'];

/** A word for a shell, in quotation marks. */
export const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/**
 * Shell commands before those of a job, so that it runs as a container does: process 1 of a process table of its own,
 * with mounts of its own.
 */
export function inContainer({ mounts = [], unset = [] }: ContainerOptions = {}): string {
  const env = unset.map((name) => `-u ${name}`).join(' ');
  const script = [...mounts.map((mount) => `${mount} || exit 9;`), `exec env ${env} "$@"`].join(' ');
  return `exec unshare ${NAMESPACES.join(' ')} sh -c ${quoted(script)} sh "$@";`;
}

/** Commands that mount a file or a folder at its own path. */
export function mountedItself(path: string, { readonly = false } = {}): string[] {
  const at = quoted(path);
  return [`mount --bind ${at} ${at}`, ...(readonly ? [`mount -o remount,bind,ro ${at}`] : [])];
}

/**
 * Asks whether the machine lets this process have such a container.
 *
 * @throws NotAllowed
 */
export function assertContainers({ folder }: Bench, mounts = mountedItself(folder)): void {
  if (process.platform !== 'linux') throw new NotAllowed('Containers are made by unshare, on Linux.');
  const { error, status, stderr } = spawnSync('sh', ['-c', inContainer({ mounts }), 'sh', 'true'], {
    encoding: 'utf8',
  });
  if (error || status !== 0) throw new NotAllowed(`The system lets nobody unshare and mount: ${error ?? stderr}`);
}
