import { isShared } from '../writer/mark.ts';
import { stateOf } from '../writer/state.ts';
import { type Check, findingsOf, onDisk } from './check.ts';

const say = findingsOf('writer');

/** Checks that no other machine took over while this one has the database open for writing. */
export const checkWriter: Check = onDisk(({ connection: { filename, readonly } }) => {
  if (!isShared(filename)) return { findings: [] };
  const state = stateOf(filename);
  if ('problem' in state) {
    return {
      findings: [say.warning(`It is unknown which machine may write ${filename}: ${state.problem}.`, state.hint)],
    };
  }
  const { newest, isWriter } = state;
  if (isWriter) return { findings: [say.ok(`This machine is the writer (term ${newest?.number}).`)] };
  const who = newest?.host ? `${newest.host} is the writer since ${newest.since}` : 'No machine is the writer';
  return {
    findings: [
      readonly
        ? say.info(`${who} (term ${newest?.number ?? 0}). This machine reads.`)
        : say.error(
            `${who} (term ${newest?.number ?? 0}), but this process can still write.`,
            'Stop this process. Its last rows are in this file only: a person decides about them.',
          ),
    ],
  };
});
