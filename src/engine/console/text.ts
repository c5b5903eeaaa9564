import { stripVTControlCharacters } from 'node:util';
import { formatBytes } from '../format.ts';
import type { Block, Tone, Unit, Value } from './blocks.ts';

/** How a tone is shown in a terminal. */
export type Paint = (tone: Tone, text: string) => string;

/** Formats a header and rows as a table. */
export type MakeTable = (head: readonly string[], rows: readonly (readonly string[])[]) => string;

const BARS = '▁▂▃▄▅▆▇█';
const MARKS: Record<Tone, string> = { ok: '✓', info: 'i', warning: '▲', error: '✕' };

/** Formats a view's blocks for a terminal, without links and forms. */
export function blocksAsText(blocks: readonly Block[], paint: Paint, table: MakeTable, width = 80): string {
  return blocks
    .map((block) => lines(block, paint, table, width).join('\n'))
    .filter((text) => text !== '')
    .join('\n\n');
}

function lines(block: Block, paint: Paint, table: MakeTable, width: number): string[] {
  const hinted = (tone: Tone, text: string, hint: string | undefined) => [
    `${paint(tone, MARKS[tone])} ${safe(text)}`,
    ...(hint === undefined ? [] : [`  Try: ${safe(hint)}`]),
  ];
  switch (block.kind) {
    case 'verdict':
      return hinted(block.tone, block.text, block.hint);
    case 'findings':
      return block.findings.flatMap(({ tone, text, hint }) => hinted(tone, text, hint));
    case 'facts':
      return [
        ...(block.title === undefined ? [] : [safe(block.title)]),
        ...flowing(
          block.facts.map(({ name, value, unit }) => `${safe(name)} ${valueText(value, unit)}`),
          width,
        ),
      ];
    case 'chart':
      return block.series.length === 0
        ? [`${block.title}: nothing yet`]
        : [
            block.title,
            ...block.series.map(({ name, points }) => `  ${sparkline(points, block.unit, width)}  ${safe(name)}`),
          ];
    case 'table':
      if (block.rows.length === 0) return [`${safe(block.title)}: ${block.empty ?? 'none'}`];
      return table(
        block.columns.map(({ name }) => safe(name)),
        block.rows.map((row) => row.map((value, i) => valueText(value, block.columns[i]?.unit))),
      ).split('\n');
    default:
      return [];
  }
}

/** Joins short texts into lines of at most `width` characters. */
function flowing(texts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const text of texts) {
    const last = lines.at(-1);
    const longer = last === undefined ? text : `${last}   ${text}`;
    if (last !== undefined && longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(text);
  }
  return lines;
}

/** Returns the latest values as bars, followed by the last value and the name. */
function sparkline(points: readonly (readonly [number, number | null])[], unit: Unit, width: number): string {
  const most = Math.max(5, Math.min(40, width - 40));
  const values = points.slice(-most).map(([, value]) => value);
  const top = Math.max(1e-9, ...values.map((value) => value ?? 0));
  const bars = values.map((value) => (value === null ? ' ' : BARS[Math.round((value / top) * (BARS.length - 1))]));
  return `${bars.join('').padStart(most)} ${valueText(values.at(-1) ?? null, unit).padStart(9)}`;
}

function valueText(given: Value, columnUnit: Unit | undefined): string {
  const { value, unit = columnUnit } = typeof given === 'object' && given !== null ? given : { value: given };
  if (value === null) return '–';
  if (typeof value === 'string') return unit === 'time' ? timeText(value) : safe(value);
  if (unit === 'bytes') return formatBytes(value);
  if (unit === 'rate') return `${value.toFixed(1)}/s`;
  if (unit === 'duration') return `${Math.round(value).toLocaleString('en-US')} ms`;
  return value.toLocaleString('en-US');
}

function timeText(instant: string): string {
  const at = new Date(instant);
  return Number.isNaN(at.getTime()) ? safe(instant) : `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Replaces control characters: text of the file must not control the terminal. */
function safe(text: string): string {
  return stripVTControlCharacters(text).replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '?');
}
