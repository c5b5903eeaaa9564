export { type GetSchedulesOptions, PulseStore } from './pulse-store.ts';
export type { ListRunsOptions, PulseRun, PulseRunPatch, PulseRunStatus, PulseRunTrigger } from './run.ts';
export type {
  PulsePermissionMode,
  PulseSchedule,
  PulseScheduleInput,
  PulseSchedulePatch,
  PulseScheduleStatus,
} from './schedule.ts';
export * from './schema.ts';
