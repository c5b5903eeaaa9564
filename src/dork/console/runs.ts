import { addressOf, type Block, type Timeline } from '../../engine/console/blocks.ts';
import type { Look, View } from '../../engine/console/view.ts';
import type { Db } from '../db.ts';
import { runFigures } from '../figures/run-figures.ts';
import { type PulseRun, type PulseSchedule, PulseStore } from '../pulse/index.ts';
import { RUN_STATUSES } from '../pulse/schema.ts';
import { EVERY_MS, hourBars, hoursOf, longText, spanLinks, status } from './common.ts';

/** The most runs in the timeline and in the chart of durations, newest first. */
const NEWEST = 300;
const LISTED = 20;
const LANES = 25;
const SCHEDULES = 100;

/** Schedules and their runs: running, next and finished runs, and all of one run. */
export const runsView: View = {
  name: 'runs',
  title: 'Runs',
  everyMs: EVERY_MS,
  read: (look) => {
    const pulse = new PulseStore(look.db as Db);
    return look.params.run === undefined ? allRuns(look, pulse) : oneRun(pulse, look.params.run);
  },
};

function allRuns(look: Look, pulse: PulseStore): Block[] {
  const schedules = pulse.getSchedules({ withNextRun: true }).slice(0, SCHEDULES);
  const byId = new Map(schedules.map((schedule) => [schedule.id, schedule]));
  const hours = hoursOf(look);
  const { hours: counted, isCut } = runFigures(look.db, { hours });
  const total = (name: PulseRun['status']) => counted.reduce((sum, { counts }) => sum + counts[name], 0);
  const running = pulse.getRunningRuns();
  const newest = pulse.listRuns({ limit: NEWEST });
  const overdue = running.filter((run) => isOverdue(run, byId.get(run.scheduleId)));
  return [
    spanLinks('runs', look),
    {
      kind: 'facts',
      facts: [
        { name: 'Running', value: running.length, unit: 'count' },
        {
          name: 'Too long',
          value: { value: overdue.length, tone: overdue.length > 0 ? 'warning' : 'ok' },
          unit: 'count',
        },
        { name: 'Completed', value: total('completed'), unit: 'count' },
        {
          name: 'Failed',
          value: {
            value: total('failed') + total('timeout'),
            ...(total('failed') + total('timeout') > 0 && { tone: 'error' }),
          },
          unit: 'count',
        },
        { name: 'Schedules', value: schedules.length, unit: 'count' },
      ],
    },
    ...(running.length === 0 ? [] : [runTable('Running now', running.slice(0, LISTED), byId)]),
    strip(newest, byId, Date.parse(counted[0]?.at ?? '')),
    hourBars(
      'Runs by hour',
      RUN_STATUSES,
      counted,
      isCut ? 'Only the newest 30,000 runs of a status are counted.' : 'By the hour in which a run began.',
    ),
    {
      kind: 'chart',
      title: 'How long the newest runs took',
      unit: 'duration',
      style: 'dots',
      series: ['completed', 'failed']
        .map((name) => ({
          name,
          tone: status(name).tone,
          points: newest
            .filter((run) => run.status === name && run.durationMs !== null)
            .map((run): [number, number | null] => [Date.parse(run.startedAt), run.durationMs])
            .reverse(),
        }))
        .filter(({ points }) => points.length > 0),
      note: `The newest ${NEWEST} runs.`,
    },
    scheduleTable(schedules, pulse),
    runTable('Failed last', pulse.listRuns({ status: 'failed', limit: LISTED }), byId),
    runTable('Newest', newest.slice(0, LISTED), byId),
  ];
}

function isOverdue({ startedAt }: PulseRun, schedule: PulseSchedule | undefined): boolean {
  const most = schedule?.maxRuntime;
  return most !== null && most !== undefined && Date.now() - Date.parse(startedAt) > most;
}

function strip(runs: readonly PulseRun[], byId: Map<string, PulseSchedule>, first: number): Timeline {
  const shown = runs.filter((run) => Date.parse(run.startedAt) >= first);
  // Begins at the oldest shown run: an empty part before it would look like a time without runs.
  const isCut = shown.length === NEWEST;
  const from = isCut ? Math.min(...shown.map((run) => Date.parse(run.startedAt))) : first;
  const lanes = [...Map.groupBy(shown, (run) => run.scheduleId)].slice(0, LANES);
  const now = Date.now();
  return {
    kind: 'timeline',
    title: 'Runs over time',
    from,
    to: now,
    lanes: lanes.map(([id, found]) => ({
      name: byId.get(id)?.name ?? id,
      items: found.map((run) => {
        const begin = Date.parse(run.startedAt);
        const end = run.finishedAt === null ? (run.status === 'running' ? now : begin) : Date.parse(run.finishedAt);
        return {
          from: begin,
          to: end,
          tone: status(run.status).tone,
          text: run.status,
          link: addressOf('runs', { run: run.id }),
        };
      }),
    })),
    note: isCut ? `Only the newest ${NEWEST} runs, by schedule.` : 'By schedule.',
  };
}

/** Returns the time of the next run in the schedule's time zone. The previous column has it in the viewer's. */
function inZone(instant: string | null, zone: string | null): string | null {
  if (instant === null) return null;
  try {
    return `${new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: zone ?? undefined }).format(new Date(instant))}, ${zone ?? 'zone of the host'}`;
  } catch {
    return zone;
  }
}

function scheduleTable(schedules: readonly PulseSchedule[], pulse: PulseStore): Block {
  return {
    kind: 'table',
    title: 'Schedules',
    columns: [
      { name: 'schedule' },
      { name: 'state' },
      { name: 'cron', unit: 'code' },
      { name: 'fires next', unit: 'time' },
      { name: 'in its time zone' },
      { name: 'last run' },
      { name: 'began', unit: 'time' },
      { name: 'took', unit: 'duration' },
    ],
    rows: schedules.map((schedule) => {
      const [last] = pulse.listRuns({ scheduleId: schedule.id, limit: 1 });
      return [
        schedule.name,
        schedule.enabled ? schedule.status : { value: 'off', tone: 'info' },
        schedule.cron,
        schedule.nextRun,
        inZone(schedule.nextRun, schedule.timezone),
        last ? { ...status(last.status), to: addressOf('runs', { run: last.id }) } : null,
        last?.startedAt ?? null,
        last?.durationMs ?? null,
      ];
    }),
    empty: 'There are no schedules.',
  };
}

function runTable(title: string, runs: readonly PulseRun[], byId: Map<string, PulseSchedule>): Block {
  return {
    kind: 'table',
    title,
    columns: [
      { name: 'schedule' },
      { name: 'outcome' },
      { name: 'began', unit: 'time' },
      { name: 'took', unit: 'duration' },
      { name: 'started by' },
      { name: 'error' },
    ],
    rows: runs.map((run) => {
      const schedule = byId.get(run.scheduleId);
      const isLong = run.status === 'running' && isOverdue(run, schedule);
      return [
        { value: schedule?.name ?? run.scheduleId, to: addressOf('runs', { run: run.id }) },
        isLong ? { value: 'running for too long', tone: 'warning' } : status(run.status),
        run.startedAt,
        run.status === 'running' ? Date.now() - Date.parse(run.startedAt) : run.durationMs,
        run.trigger,
        run.error === null ? null : run.error.slice(0, 200),
      ];
    }),
    empty: 'None.',
  };
}

function oneRun(pulse: PulseStore, id: string): Block[] {
  const back: Block = { kind: 'links', title: 'Runs', links: [{ text: 'all runs', to: 'runs' }] };
  const run = pulse.getRun(id);
  if (!run) return [back, { kind: 'verdict', tone: 'warning', text: 'There is no such run. It may have been pruned.' }];
  const schedule = pulse.getSchedule(run.scheduleId);
  return [
    back,
    {
      kind: 'facts',
      facts: [
        { name: 'Schedule', value: schedule?.name ?? run.scheduleId },
        { name: 'Outcome', value: status(run.status) },
        { name: 'Began', value: run.startedAt, unit: 'time' },
        { name: 'Ended', value: run.finishedAt, unit: 'time' },
        { name: 'Took', value: run.durationMs, unit: 'duration' },
        { name: 'May take', value: schedule?.maxRuntime ?? null, unit: 'duration' },
        { name: 'Started by', value: run.trigger },
        { name: 'Session', value: run.sessionId, unit: 'code' },
        { name: 'Run', value: run.id, unit: 'code' },
      ],
    },
    ...longText('Error', run.error),
    ...longText('Output', run.outputSummary),
    ...longText('Prompt', schedule?.prompt ?? null),
  ];
}
