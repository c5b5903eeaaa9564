// Elements and values. Every text becomes a text node: nothing of the file is ever taken for HTML.

export const MARKS = { ok: '✓', info: 'ℹ', warning: '▲', error: '✕' };

const SVG = 'http://www.w3.org/2000/svg';

function element(made, props, children) {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === 'function') made.addEventListener(name, value);
    else made.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat(Number.POSITIVE_INFINITY)) {
    if (child !== undefined && child !== null && child !== false) made.append(child);
  }
  return made;
}
export const h = (tag, props, ...children) => element(document.createElement(tag), props, children);
export const s = (tag, props, ...children) => element(document.createElementNS(SVG, tag), props, children);

/** Control characters and those that turn the direction of a text are shown, and do nothing. */
export function visible(text) {
  return String(text).replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (sign) => {
    if (sign === '\n' || sign === '\t') return sign;
    const code = sign.charCodeAt(0);
    if (code === 13) return '␍';
    return code < 32 ? String.fromCharCode(0x2400 + code) : `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}
export const data = (text) => h('bdi', {}, visible(text));

const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 20 });
const tenths = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });
const TIME = { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit', second: '2-digit' };
const inYear = new Intl.DateTimeFormat(undefined, TIME);
const anyYear = new Intl.DateTimeFormat(undefined, { year: 'numeric', ...TIME });
/** Formats a time; the current year is left out. */
export const clock = {
  format: (date) => (date.getFullYear() === new Date().getFullYear() ? inYear : anyYear).format(date),
};
export const hour = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
export const second = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
export const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

function bytesText(bytes) {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= (unit === 0 ? 1000 : 999.95) && unit < 4) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function durationText(ms) {
  if (Math.abs(ms) < 1000) return `${Math.round(ms)} ms`;
  const parts = [
    [86400000, 'd'],
    [3600000, 'h'],
    [60000, 'min'],
    [1000, 's'],
  ];
  const at = parts.findIndex(([size]) => Math.abs(ms) >= size);
  const [size, name] = parts[at];
  if (name === 's') return `${tenths.format(ms / 1000)} s`;
  const [next, nextName] = parts[at + 1];
  const rest = Math.floor((ms % size) / next);
  return `${Math.floor(ms / size)} ${name}${rest ? ` ${rest} ${nextName}` : ''}`;
}

/** Returns a value as text, without elements. */
export function words(value, unit) {
  if (value === null || value === undefined) return '–';
  if (unit === 'time') return Number.isNaN(Date.parse(value)) ? String(value) : clock.format(new Date(value));
  if (typeof value !== 'number') return String(value);
  if (unit === 'bytes') return bytesText(value);
  if (unit === 'duration') return durationText(value);
  if (unit === 'rate') return `${tenths.format(value)}/s`;
  return number.format(value);
}

const isRich = (value) => typeof value === 'object' && value !== null;

export function valueNode(given, columnUnit) {
  const rich = isRich(given) ? given : { value: given };
  const unit = rich.unit || columnUnit;
  const { value, tone, to } = rich;
  if (value === null || value === undefined) return h('span', { class: 'none' }, '–');
  let node;
  if (unit === 'time' && !Number.isNaN(Date.parse(value))) {
    node = h('time', { datetime: value, title: `${new Date(value).toISOString()} (UTC)` }, words(value, unit));
  } else {
    node = data(words(value, unit));
  }
  if (tone) node = h('span', { class: `tone ${tone}`, 'data-mark': MARKS[tone] }, node);
  if (unit === 'code') node = h('span', { class: 'code' }, node);
  return to ? h('a', { href: `#${to}` }, node) : node;
}

const isNumber = (unit) => unit === 'count' || unit === 'bytes' || unit === 'duration' || unit === 'rate';

export function tableNode(title, columns, rows) {
  const kind = (i) => {
    if (isNumber(columns[i].unit)) return 'n';
    if (columns[i].unit === 'time') return 't';
    const isShort = rows.every((row) => words(isRich(row[i]) ? row[i].value : row[i]).length <= 32);
    return isShort ? 'short' : undefined;
  };
  const classes = columns.map((_, i) => kind(i));
  return h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': title },
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          columns.map((column, i) => h('th', { scope: 'col', class: classes[i] }, data(column.name))),
        ),
      ),
      h(
        'tbody',
        {},
        rows.map((row) =>
          h(
            'tr',
            {},
            row.map((value, i) =>
              h('td', { class: classes[i] }, h('div', { class: 'cell' }, valueNode(value, columns[i].unit))),
            ),
          ),
        ),
      ),
    ),
  );
}

/** The titles of the charts whose table is open. */
const opened = new Set();

/** Returns a chart's values as a table, which is built when it is opened. */
export function asTable(title, make) {
  const box = h('details', { open: opened.has(title) }, h('summary', {}, 'As a table'));
  const fill = () => {
    if (box.open && box.childElementCount === 1) box.append(make());
  };
  box.addEventListener('toggle', () => {
    if (box.open) opened.add(title);
    else opened.delete(title);
    fill();
  });
  fill();
  return box;
}
