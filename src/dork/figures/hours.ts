import { InvalidInputError } from '../../engine/errors.ts';
import { type OptionNames, optionsArgument } from '../../engine/options.ts';

/** Options of `runFigures()` and `traceFigures()`. */
export interface FigureOptions {
  /** How many hours back, from 1 to 168. Default 24. */
  readonly hours?: number;
}

const OPTIONS: OptionNames<FigureOptions> = { hours: true };

/** Rows that are read at most, the newest: what figures cost has an end. */
export const MOST_ROWS = 30_000;

const HOUR_MS = 3_600_000;

/** Returns the beginning of the first hour that is asked for. */
export function firstHour(options: FigureOptions): string {
  const { hours = 24 } = optionsArgument(options, OPTIONS);
  if (!Number.isInteger(hours) || hours < 1 || hours > 168) {
    throw new InvalidInputError('options.hours', 'must be an integer from 1 to 168');
  }
  return new Date((Math.floor(Date.now() / HOUR_MS) - hours + 1) * HOUR_MS).toISOString();
}

/** Returns every hour from the first to this one, as instants. */
export function hoursFrom(first: string): string[] {
  const from = Date.parse(first);
  const count = Math.floor((Date.now() - from) / HOUR_MS) + 1;
  return Array.from({ length: count }, (_, i) => new Date(from + i * HOUR_MS).toISOString());
}

/** SQL of the hour of an instant that is stored as text, and the instant of what it returns. */
export const hourOf = (column: string) => `substr(${column}, 1, 13)`;
export const instantOfHour = (hour: string) => `${hour}:00:00.000Z`;
