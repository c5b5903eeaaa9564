import type { RunRow } from '../peers/peer.ts';

/** A run that begins now, as it is stored. */
export function newRun(id: string, scheduleId: string): RunRow {
  const at = new Date().toISOString();
  return {
    id,
    scheduleId,
    status: 'running',
    startedAt: at,
    finishedAt: null,
    durationMs: null,
    outputSummary: null,
    error: null,
    sessionId: null,
    trigger: 'scheduled',
    createdAt: at,
  };
}
