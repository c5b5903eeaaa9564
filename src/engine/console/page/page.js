// The page: requests the blocks of the view that the address names, and draws those that changed.

import { DRAW } from './blocks.js';
import { data, h, MARKS, second, visible } from './values.js';

// Draws the blocks of a view. Every text becomes a text node: no text of the file is ever parsed as HTML.

const main = document.getElementById('main');
const nav = document.getElementById('nav');
const state = document.getElementById('state');
const pause = document.getElementById('pause');

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

let views = [];
let about;
let stream;
let isPaused = false;
let shown = [];

/** Draws one block. If it fails, an error is shown in its place and the other blocks are still drawn. */
function drawn(block) {
  try {
    return (DRAW[block.kind] || DRAW.text)(block);
  } catch (error) {
    const text = `This part could not be drawn: ${error.message}`;
    return DRAW.findings({ title: block.title || 'A part', findings: [{ tone: 'warning', text }] });
  }
}

/** Draws only the changed blocks, so that a field keeps its typed text and a table its scroll position. */
function draw(blocks) {
  const texts = blocks.map((block) => JSON.stringify(block));
  blocks.forEach((block, i) => {
    const before = shown[i];
    if (before && before.text === texts[i]) return;
    const hasFocus = before?.node.contains(document.activeElement);
    const index = hasFocus
      ? [...before.node.querySelectorAll('a, button, input, select, textarea, summary, svg, [tabindex]')].indexOf(
          document.activeElement,
        )
      : -1;
    const scroll = before ? [...before.node.querySelectorAll('.scroll')].map((each) => each.scrollLeft) : [];
    const node = drawn(block);
    if (before) before.node.replaceWith(node);
    else main.append(node);
    for (const box of node.querySelectorAll('.chart')) box.draw();
    node.querySelectorAll('.scroll').forEach((each, k) => {
      each.scrollLeft = scroll[k] || 0;
    });
    if (index >= 0)
      node.querySelectorAll('a, button, input, select, textarea, summary, svg, [tabindex]')[index]?.focus();
    // Scrolling elements can be focused with the keyboard.
    for (const cell of node.querySelectorAll('.cell')) if (cell.scrollHeight > cell.clientHeight) cell.tabIndex = 0;
    shown[i] = { text: texts[i], node };
  });
  for (const { node } of shown.splice(blocks.length)) node.remove();
}

// The address and the stream

function address() {
  const [name, query = ''] = location.hash.slice(1).split('?');
  const view = views.find((each) => each.name === name) || views[0];
  return { view, params: new URLSearchParams(view && view.name === name ? query : '') };
}

function stop() {
  if (stream) stream.close();
  stream = undefined;
}

function listen() {
  stop();
  if (isPaused || document.hidden) return;
  const { view, params } = address();
  params.set('view', view.name);
  const own = new EventSource(`events?${params}`);
  stream = own;
  own.onmessage = (event) => {
    if (stream !== own) return;
    draw(JSON.parse(event.data));
    main.removeAttribute('aria-busy');
    announce(`live, ${second.format(new Date())}`);
  };
  own.addEventListener('once', () => {
    if (stream !== own) return;
    own.close();
    announce('');
  });
  own.onerror = () => {
    if (stream !== own) return;
    announce('No answer: is the console still running?', true);
    // The browser connects again by itself, unless the server refused the stream.
    if (own.readyState === EventSource.CLOSED) explain(own);
  };
}

function announce(text, isError) {
  state.textContent = text;
  state.className = isError ? 'error' : '';
}

/** Shows why a stream was refused; an EventSource does not report the reason. */
async function explain(own) {
  const answer = await fetch('views').catch(() => undefined);
  if (stream !== own || !answer) return;
  if (!answer.ok) return announce('This address is no longer valid. Open the address that the command printed.', true);
  announce('Too many pages are open. Trying again …', true);
  setTimeout(() => stream === own && listen(), 5000);
}

function go() {
  const { view, params } = address();
  main.replaceChildren(h('p', { class: 'wait' }, 'Reading…'));
  main.setAttribute('aria-busy', 'true');
  shown = [];
  const wait = main.firstChild;
  new MutationObserver((_, observer) => {
    if (wait.nextSibling) {
      wait.remove();
      observer.disconnect();
    }
  }).observe(main, { childList: true });
  for (const link of nav.children) {
    const isCurrent = link.dataset.view === view.name;
    if (isCurrent) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = `${view.title}${params.size > 0 ? ` ${visible([...params.values()][0]).slice(0, 40)}` : ''} · ${about.name}`;
  const wasPaused = isPaused;
  // A requested view is shown even while the page is paused.
  if (wasPaused) {
    params.set('view', view.name);
    fetch(`view?${params}`)
      .then((answer) => answer.json())
      .then((blocks) => {
        if (address().view !== view) return;
        draw(blocks);
        main.removeAttribute('aria-busy');
      })
      .catch(() => announce('No answer: is the console still running?', true));
  } else listen();
}

function setPaused(paused) {
  isPaused = paused;
  pause.textContent = paused ? 'Go on' : 'Pause';
  pause.setAttribute('aria-pressed', String(paused));
  if (paused) {
    stop();
    state.textContent = 'paused';
  } else listen();
}

pause.addEventListener('click', () => setPaused(!isPaused));
window.addEventListener('hashchange', () => {
  if (location.hash === '#main') return;
  go();
  window.scrollTo(0, 0);
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden) stop();
  else if (!isPaused) listen();
});
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
  const view = views[Number(event.key) - 1];
  if (view) location.hash = `#${view.name}`;
  else if (event.key === 'p') setPaused(!isPaused);
});
let resized;
window.addEventListener('resize', () => {
  cancelAnimationFrame(resized);
  resized = requestAnimationFrame(() => {
    for (const box of main.querySelectorAll('.chart')) box.draw();
  });
});

fetch('views')
  .then((answer) => {
    if (!answer.ok) throw new Error('This address has no token. Open the address that the command printed.');
    return answer.json();
  })
  .then((given) => {
    about = given;
    views = given.views;
    document.getElementById('name').textContent = given.name;
    nav.append(
      ...views.map((view, i) =>
        h('a', { href: `#${view.name}`, 'data-view': view.name, title: `${view.title} (${i + 1})` }, view.title),
      ),
    );
    document
      .getElementById('foot')
      .append(
        data(given.filename),
        ` · read only · times in ${zone === 'UTC' ? zone : `${zone || 'this zone'}, UTC in their tooltips`} · `,
        h('kbd', {}, '1'),
        '–',
        h('kbd', {}, String(views.length)),
        ' views, ',
        h('kbd', {}, 'p'),
        ' pause',
      );
    go();
  })
  .catch((error) => {
    main.replaceChildren(
      h('section', { class: 'verdict error' }, h('p', { class: 'summary', 'data-mark': MARKS.error }, error.message)),
    );
  });
