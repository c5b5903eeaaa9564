import { DatabaseOpenError } from '../errors.ts';
import { bytesOf } from '../file/wal.ts';
import { type Host, howTo } from '../host.ts';
import { stateOf } from './state.ts';
import { newestReplica } from './terms.ts';

/**
 * Refuses to write a database that has a mark, unless this machine is the writer.
 *
 * @throws DatabaseOpenError `NOT_THE_WRITER`, `WRITER_UNKNOWN`, and `FILE_MISSING` if this machine took over and its
 * file was not restored yet: a new one would be empty.
 */
export function refuseOthers(filename: string, host: Host): void {
  const state = stateOf(filename);
  if ('problem' in state) {
    const { problem, hint, cause } = state;
    throw new DatabaseOpenError(
      'WRITER_UNKNOWN',
      `It is unknown whether this machine may write ${filename}: ${problem}. Nothing was created or changed.`,
      { hint, cause },
    );
  }
  const { mark, newest, isWriter } = state;
  if (!isWriter) {
    const who = newest?.host ? `${newest.host} is the writer since ${newest.since}` : 'no machine is the writer';
    const words = 'writer shows who may write it';
    throw new DatabaseOpenError(
      'NOT_THE_WRITER',
      `This machine may not write ${filename}: ${who} (term ${newest?.number ?? 0} in ${mark.shared}). Nothing was created or changed.`,
      { hint: `${howTo(host, words, 'writer() shows who may write it')}; readonly: true opens it for reading.` },
    );
  }
  if (newest && newest.number > 1 && bytesOf(filename) === 0) {
    const replica = newestReplica(mark.shared, newest.number - 1);
    throw new DatabaseOpenError(
      'FILE_MISSING',
      `${filename} does not exist or is empty, but this machine took over from another one. No file was created.`,
      { hint: `Restore the newest replica first${replica ? `: ${replica}` : ''}.` },
    );
  }
}
