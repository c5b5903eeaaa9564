import { RUN_STATUSES, RUN_TRIGGERS } from '../pulse/schema.ts';
import {
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
export const RUN_RULE: TableRule = {
  kind: 'run',
  origin: 'older',
  from: RUNS.table,
  to: 'pulse_runs',
  key: 'id',
  columns: [
    requiredText('id'),
    requiredText('schedule_id'),
    word('status', sameWords(RUN_STATUSES)),
    requiredInstant('created_at'),
    { ...optionalInstant('started_at'), fallback: 'created_at' },
    optionalInstant('finished_at'),
    optionalInteger('duration_ms'),
    optionalText('output', 'output_summary'),
    optionalText('error'),
    optionalText('session_id'),
    word('trigger', sameWords(RUN_TRIGGERS)),
  ],
};
