import { realFile } from '../file/file.ts';
import type { Host } from '../host.ts';
import { isShared } from './mark.ts';
import { refuseOthers } from './refuse.ts';

/** Refuses to write a database of several machines if this machine is not the writer. */
export function assertWriter(path: string, host: Host): void {
  if (isShared(path)) refuseOthers(realFile(path), host);
}
