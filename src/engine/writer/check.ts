import type { Host } from '../host.ts';
import { hasMark } from './mark.ts';
import { refuseOthers } from './refuse.ts';

/**
 * Refuses to write a database of several machines if this machine is not the writer.
 *
 * @param filename The real file.
 */
export function assertWriter(filename: string, host: Host): void {
  if (hasMark(filename)) refuseOthers(filename, host);
}
