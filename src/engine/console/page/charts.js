// Charts, as SVG.

import { clock, data, day, h, hour, s, second, tableNode, visible, words } from './values.js';

const LINES = 6;

function niceTop(value, least) {
  if (!(value > 0)) return least;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((top) => top >= value);
}

const MINUTE = 60000;
const DAY = 86400000;
const STEPS = [1, 2, 5, 10, 15, 30]
  .map((seconds) => seconds * 1000)
  .concat([1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720].map((minutes) => minutes * MINUTE))
  .concat([1, 2, 7, 14, 30, 60, 90, 180, 365, 730, 1825, 3650].map((days) => days * DAY));

/** Returns round times in the viewer's time zone, at most `most`; each with its position from 0 to 1. */
export function timeMarks(from, to, most) {
  const span = to - from;
  const step = STEPS.find((each) => span / each <= most) ?? span;
  const offset = step < 1000 * 3600 ? 0 : new Date(to).getTimezoneOffset() * MINUTE;
  const marks = [];
  for (let at = Math.ceil((from - offset) / step) * step + offset; at <= to; at += step) {
    const date = new Date(at);
    const isMidnight = date.getHours() + date.getMinutes() + date.getSeconds() === 0;
    const format = step >= DAY || isMidnight ? day : step >= MINUTE ? hour : second;
    marks.push({ at, place: (at - from) / span, text: format.format(date) });
  }
  if (marks.length === 0) marks.push({ at: from, place: 0, text: (span < DAY ? second : day).format(new Date(from)) });
  return marks;
}

/** Returns how a label is aligned with its position: at either end of the axis a centered label would be cut off. */
export const anchorOf = (place) => (place < 0.06 ? 'start' : place > 0.94 ? 'end' : 'middle');

export function chartNode(block) {
  const box = h('div', { class: 'chart' });
  const draw = () => {
    const width = Math.max(240, box.clientWidth || 560);
    try {
      box.replaceChildren(...chartParts(block, width));
    } catch (error) {
      box.replaceChildren(h('p', { class: 'empty' }, `This chart could not be drawn: ${error.message}`));
    }
  };
  // The width is known only once the box is in the page.
  box.draw = draw;
  return box;
}

function chartParts(block, width) {
  const height = 190;
  const left = 62;
  const bottom = 22;
  // Points with an invalid time are left out.
  const series = block.series
    .slice(0, LINES)
    .map((each) => ({ ...each, points: each.points.filter(([at]) => at !== null) }));
  const points = series.flatMap((each) => each.points);
  const times = [...new Set(points.map(([at]) => at))].sort((a, b) => a - b);
  const values = points.flatMap(([, value]) => (value === null ? [] : [value]));
  const most = Math.max(0, ...values);
  const top = niceTop(Math.max(most, block.limit?.value ?? 0), block.unit === 'bytes' ? 1000 : 1);
  const from = times[0];
  const to = times.at(-1) > from ? times.at(-1) : from + 1;
  const x = (at) => left + ((at - from) / (to - from)) * (width - left - 6);
  const y = (value) => 8 + (1 - value / top) * (height - 8 - bottom);
  const legend = h('ul', { class: 'legend' });
  const describe = (at) => {
    const value = (each) => (at === undefined ? undefined : each.points.find((point) => point[0] === at)?.[1]);
    legend.replaceChildren(
      ...series.map((each, i) =>
        h(
          'li',
          { class: colorOf(series, i) },
          h('span', {}, data(each.name), at === undefined ? '' : ` ${words(value(each) ?? null, block.unit)}`),
        ),
      ),
      ...(at === undefined ? [] : [h('li', { class: 'at' }, h('span', {}, clock.format(new Date(at))))]),
    );
  };
  describe();
  if (times.length === 0) return [h('p', { class: 'empty' }, 'Nothing in this time.')];
  const cursor = s('line', { class: 'cursor', y1: 8, y2: height - bottom, visibility: 'hidden' });
  const marks = timeMarks(from, to, Math.floor((width - left) / 95));
  const last = series.map((each) => `${each.name} ${words(each.points.at(-1)?.[1] ?? null, block.unit)}`).join(', ');
  const picture = s(
    'svg',
    {
      viewBox: `0 0 ${width} ${height}`,
      height,
      tabindex: 0,
      role: 'img',
      'aria-label': `${block.title}, last: ${visible(last)}. Left and right arrow: values at a time.`,
    },
    [0, 0.5, 1].map((part) => [
      s('line', { class: 'grid', x1: left, x2: width - 6, y1: y(top * part), y2: y(top * part) }),
      s('text', { x: left - 8, y: y(top * part) + 4, 'text-anchor': 'end' }, words(top * part, block.unit)),
    ]),
    marks.map((mark) => s('text', { x: x(mark.at), y: height - 4, 'text-anchor': anchorOf(mark.place) }, mark.text)),
    block.style === 'bars'
      ? bars(series, times, x, y, width - left)
      : block.style === 'dots'
        ? dots(series, x, y)
        : lines(series, x, y),
    block.limit && [
      s('line', { class: 'limit', x1: left, x2: width - 6, y1: y(block.limit.value), y2: y(block.limit.value) }),
      s('text', { x: left + 6, y: y(block.limit.value) - 5 }, visible(block.limit.name)),
    ],
    cursor,
  );
  let place = -1;
  const show = (index) => {
    place = index;
    const at = times[index];
    cursor.setAttribute('visibility', at === undefined ? 'hidden' : 'visible');
    if (at !== undefined) for (const name of ['x1', 'x2']) cursor.setAttribute(name, x(at));
    describe(at);
  };
  picture.addEventListener('pointermove', (event) => {
    const bounds = picture.getBoundingClientRect();
    const at =
      from + ((((event.clientX - bounds.left) / bounds.width) * width - left) / (width - left - 6)) * (to - from);
    let best = 0;
    times.forEach((time, i) => {
      if (Math.abs(time - at) < Math.abs(times[best] - at)) best = i;
    });
    show(best);
  });
  picture.addEventListener('pointerleave', () => show(-1));
  picture.addEventListener('blur', () => show(-1));
  picture.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    show(Math.min(times.length - 1, Math.max(0, place < 0 ? times.length - 1 : place + step)));
  });
  return [legend, picture];
}

/** Returns the color of a series. If two series have the same tone, the second is paler. */
function colorOf(series, i) {
  const { tone } = series[i];
  if (!tone) return `s${i}`;
  return series.findIndex((each) => each.tone === tone) === i ? `t-${tone}` : `t-${tone} pale`;
}

function lines(series, x, y) {
  return series.map((each, i) => {
    let path = '';
    let isDrawn = false;
    for (const [at, value] of each.points) {
      if (value !== null) path += `${isDrawn ? 'L' : 'M'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
      isDrawn = value !== null;
    }
    return s('path', { class: `line ${colorOf(series, i)}`, d: path });
  });
}

function dots(series, x, y) {
  return series.map((each, i) =>
    each.points.map(
      ([at, value]) =>
        value !== null &&
        s('circle', {
          class: colorOf(series, i),
          cx: x(at).toFixed(1),
          cy: y(value).toFixed(1),
          r: 2,
          stroke: 'none',
          opacity: 0.7,
        }),
    ),
  );
}

/** Draws bars side by side: values of stacked bars are hard to read. */
function bars(series, times, x, y, width) {
  const slot = Math.max(1, (width / Math.max(12, times.length)) * 0.8);
  const wide = Math.max(1, slot / series.length);
  return series.map((each, i) =>
    each.points.map(([at, value]) => {
      if (!value) return undefined;
      const left = Math.min(x(at), x(times.at(-1)) - slot) + i * wide;
      return s('rect', {
        class: colorOf(series, i),
        x: left.toFixed(1),
        y: y(value).toFixed(1),
        width: wide.toFixed(1),
        height: Math.max(1, y(0) - y(value)).toFixed(1),
        stroke: 'none',
      });
    }),
  );
}

export function chartTable(block) {
  const times = [...new Set(block.series.flatMap((each) => each.points.map(([at]) => at)))].sort((a, b) => b - a);
  const by = block.series.map((each) => new Map(each.points));
  const columns = [{ name: 'time', unit: 'time' }, ...block.series.map(({ name }) => ({ name, unit: block.unit }))];
  const rows = times
    .slice(0, 500)
    .map((at) => [new Date(at).toISOString(), ...by.map((values) => values.get(at) ?? null)]);
  return tableNode(`${block.title} (table)`, columns, rows);
}
