import { addressOf, type Block, type Tone } from '../../engine/console/blocks.ts';
import type { Look } from '../../engine/console/view.ts';

/** Milliseconds between two reads of an open page. These views show hours, so it need not be short. */
export const EVERY_MS = 10_000;

/** Returns the period that a view shows, one of two. */
export function hoursOf({ params }: Look): number {
  return params.hours === '168' ? 168 : 24;
}

export function spanLinks(view: string, look: Look): Block {
  const hours = hoursOf(look);
  const rest = { ...look.params };
  delete rest.hours;
  return {
    kind: 'links',
    title: 'Period',
    links: [
      { text: 'last 24 hours', to: addressOf(view, rest), isCurrent: hours === 24 },
      { text: 'last 7 days', to: addressOf(view, { ...rest, hours: '168' }), isCurrent: hours === 168 },
    ],
  };
}

/** The tones of the statuses of runs, messages and spans. */
const TONES: Readonly<Record<string, Tone>> = {
  running: 'info',
  pending: 'info',
  sent: 'info',
  completed: 'ok',
  delivered: 'ok',
  processed: 'ok',
  cancelled: 'warning',
  timeout: 'error',
  failed: 'error',
  dead_lettered: 'error',
  no_subscriber: 'warning',
  active: 'ok',
  inactive: 'info',
  stale: 'warning',
};

export function toneOf(status: string): Tone {
  return TONES[status] ?? 'info';
}

export const status = (value: string) => ({ value, tone: toneOf(value) });

/** Returns a chart of counts by hour, a bar per hour with a part for each status that is not always 0. */
export function hourBars<S extends string>(
  title: string,
  statuses: readonly S[],
  hours: readonly { readonly at: string; readonly counts: Readonly<Record<S, number>> }[],
  note: string,
): Block {
  return {
    kind: 'chart',
    title,
    unit: 'count',
    style: 'bars',
    series: statuses
      .filter((name) => hours.some(({ counts }) => counts[name] > 0))
      .map((name) => ({
        name,
        tone: toneOf(name),
        points: hours.map(({ at, counts }) => [Date.parse(at), counts[name]]),
      })),
    note,
  };
}

/** Returns a text as a block. A long text is cut, with a note. */
export function longText(title: string, text: string | null): Block[] {
  if (text === null || text === '') return [];
  const isCut = text.length > MOST_CHARACTERS;
  const note = `Only the first ${MOST_CHARACTERS.toLocaleString('en-US')} of ${text.length.toLocaleString('en-US')} characters are shown.`;
  return [{ kind: 'text', title, text: isCut ? text.slice(0, MOST_CHARACTERS) : text, ...(isCut && { note }) }];
}

const MOST_CHARACTERS = 100_000;
