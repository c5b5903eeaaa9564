// The blocks of a view, each as an element.

import { anchorOf, chartNode, chartTable, timeMarks } from './charts.js';
import { asTable, clock, data, durationText, h, MARKS, tableNode, valueNode, visible } from './values.js';

const titled = (block, ...children) =>
  h(
    'section',
    { 'aria-label': block.title },
    block.title && h('h2', {}, data(block.title)),
    children,
    block.note && h('p', { class: 'note' }, data(block.note)),
  );

const linksNode = (links) =>
  links &&
  links.length > 0 &&
  h(
    'div',
    { class: 'links' },
    links.map((link) => h('a', { href: `#${link.to}`, 'aria-current': link.isCurrent && 'true' }, data(link.text))),
  );

export const DRAW = {
  verdict: (block) =>
    h(
      'section',
      { class: `verdict ${block.tone}` },
      h('p', { class: 'summary', 'data-mark': MARKS[block.tone] }, data(block.text)),
      block.hint && h('p', {}, 'Try: ', data(block.hint)),
    ),
  findings: (block) =>
    titled(
      block,
      h(
        'ul',
        { class: 'findings' },
        block.findings.map((each) =>
          h(
            'li',
            { class: each.tone },
            h('span', {}, h('strong', { class: each.tone }, `${MARKS[each.tone]} ${each.tone} `), data(each.text)),
            each.hint && h('span', { class: 'hint' }, 'Try: ', data(each.hint)),
          ),
        ),
      ),
    ),
  facts: (block) =>
    titled(
      block,
      h(
        'dl',
        { class: 'facts' },
        block.facts.map((fact) =>
          h('div', {}, h('dt', {}, data(fact.name)), h('dd', {}, valueNode(fact.value, fact.unit))),
        ),
      ),
    ),
  chart: (block) => {
    const made = titled(
      block,
      chartNode(block),
      block.series.length > 0 && asTable(block.title, () => chartTable(block)),
    );
    made.classList.add('half');
    return made;
  },
  table: (block) =>
    titled(
      block,
      block.rows.length > 0
        ? tableNode(block.title, block.columns, block.rows)
        : h('p', { class: 'empty' }, data(block.empty || 'None.')),
      linksNode(block.links),
    ),
  timeline: (block) => {
    const span = Math.max(1, block.to - block.from);
    const percent = (at) => Math.min(100, Math.max(0, ((at - block.from) / span) * 100));
    const item = (each) => {
      const label = `${each.text}, ${clock.format(new Date(each.from))}${each.to > each.from ? `, ${durationText(each.to - each.from)}` : ''}`;
      const made = h(each.link ? 'a' : 'span', {
        class: each.tone,
        href: each.link && `#${each.link}`,
        title: visible(label),
        'aria-label': visible(label),
      });
      if (!each.link) made.setAttribute('role', 'img');
      made.style.left = `min(${percent(each.from)}%, calc(100% - 4px))`;
      made.style.width = `${percent(each.to) - percent(each.from)}%`;
      return made;
    };
    const marks = timeMarks(block.from, block.from + span, 8).map((mark) => {
      const made = h('span', { class: anchorOf(mark.place) }, mark.text);
      made.style.left = `${mark.place * 100}%`;
      return made;
    });
    const rows = block.lanes.flatMap((lane) =>
      lane.items.map((each) => [
        { value: lane.name, to: lane.link },
        { value: each.text, tone: each.tone, to: each.link },
        new Date(each.from).toISOString(),
        each.to - each.from,
      ]),
    );
    const columns = [
      { name: 'lane' },
      { name: 'what' },
      { name: 'from', unit: 'time' },
      { name: 'for', unit: 'duration' },
    ];
    return titled(
      block,
      block.lanes.length === 0
        ? h('p', { class: 'empty' }, 'Nothing in this time.')
        : h(
            'div',
            { class: 'lanes' },
            block.lanes.map((lane) => {
              const who = h(
                'div',
                { class: 'who', title: visible(lane.name) },
                lane.link ? h('a', { href: `#${lane.link}` }, data(lane.name)) : data(lane.name),
              );
              who.style.paddingInlineStart = `${Math.min(12, lane.depth || 0) * 12}px`;
              return [who, h('div', { class: 'track' }, lane.items.map(item))];
            }),
            h('div', {}),
            h('div', { class: 'scale' }, marks),
          ),
      block.lanes.length > 0 &&
        asTable(block.title, () => tableNode(`${block.title} (table)`, columns, rows.slice(0, 500))),
    );
  },
  text: (block) => titled(block, h('pre', { tabindex: 0 }, data(block.text))),
  form: (block) => {
    const field = (each) => {
      if (each.isHidden) return h('input', { type: 'hidden', name: each.name, value: each.value });
      const made = each.choices
        ? h(
            'select',
            { name: each.name },
            each.choices.map((choice) =>
              h('option', { value: choice, selected: choice === each.value }, choice || '–'),
            ),
          )
        : each.isLong
          ? h('textarea', { name: each.name, spellcheck: 'false' }, each.value)
          : h('input', { name: each.name, value: each.value, autocomplete: 'off' });
      return h('label', { class: each.isLong && 'long' }, data(each.label), made);
    };
    const made = titled(block, h('form', {}, block.fields.map(field), h('button', { type: 'submit' }, block.button)));
    made.querySelector('form').addEventListener('submit', (event) => {
      event.preventDefault();
      const given = [...new FormData(event.target)].filter(
        ([name, value]) => value !== '' || block.fields.some((each) => each.name === name && each.isHidden),
      );
      const to = `#${block.view}?${new URLSearchParams(given)}`;
      if (to === location.hash) dispatchEvent(new HashChangeEvent('hashchange'));
      else location.hash = to;
    });
    for (const box of made.querySelectorAll('textarea')) {
      box.addEventListener('keydown', (event) => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) box.form.requestSubmit();
      });
    }
    return made;
  },
  links: (block) => h('nav', { 'aria-label': block.title }, linksNode(block.links)),
};
