import { RUN_STATUSES, RUN_TRIGGERS } from '../pulse/schema.ts';
import {
  type Older,
  optionalInstant,
  optionalInteger,
  optionalText,
  requiredInstant,
  requiredText,
  sameWords,
  type TableRule,
  word,
} from './table-rule.ts';

/** The table of pulse.db, and the columns that each version has. */
export const RUNS = {
  table: 'runs',
  key: ['id'],
  columns: [
    'id',
    'schedule_id',
    'status',
    'started_at',
    'finished_at',
    'duration_ms',
    'output_summary',
    'error',
    'session_id',
    'trigger',
    'created_at',
  ],
  laterColumns: [],
};

/** `runs` of pulse.db as pulse_runs. */
export function runRule(older: Older): TableRule {
  const started = older('started_at');
  const created = older('created_at');
  const startedAt = optionalInstant('started_at', started);
  const createdAt = requiredInstant('created_at', created);
  return {
    kind: 'run',
    from: RUNS.table,
    to: 'pulse_runs',
    key: ['id', 'id'],
    columns: [
      requiredText('id', older('id')),
      requiredText('schedule_id', older('schedule_id')),
      word('status', older('status'), sameWords(RUN_STATUSES)),
      createdAt,
      {
        ...startedAt,
        value: `coalesce(${startedAt.value}, ${createdAt.value})`,
        adjustments: [...startedAt.adjustments, [`${started} IS NULL`, 'started_at_from_created_at']],
      },
      optionalInstant('finished_at', older('finished_at')),
      optionalInteger('duration_ms', older('duration_ms')),
      optionalText('output', older('output_summary'), 'output_summary'),
      optionalText('error', older('error')),
      optionalText('session_id', older('session_id')),
      word('trigger', older('trigger'), sameWords(RUN_TRIGGERS)),
    ],
    openStatuses: ['running'],
    schedule: older('schedule_id'),
  };
}
