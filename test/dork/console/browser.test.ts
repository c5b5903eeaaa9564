/** The page in a real browser, on a home with hostile content; the server runs on this runtime. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { createDb, PulseStore, SqliteIndex, TraceStore } from '#entry';
import { Served } from '../../engine/console/served.ts';
import { CHROMIUM, startChromium } from '../../support/chromium.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';

const HOSTILE = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">\u202Egnp.exe';
const VIEWS = ['now', 'runs', 'messages', 'traces', 'agents', 'file', 'file?table=pulse_schedules'];
const TIMEOUT = 240_000;

if (!CHROMIUM) console.log('No Chromium is installed: the page is not looked at. apt-get install -y chromium');
else
  describe(`the page of the console in Chromium, served by ${RUNTIME}`, () => {
    let folder: ReturnType<typeof temporaryFolder>;
    let served: Served;
    let browser: Browser;

    before(
      async () => {
        folder = temporaryFolder();
        const db = createDb(folder.file('dork.db'));
        const pulse = new PulseStore(db);
        const { id } = pulse.createSchedule({ name: HOSTILE, prompt: HOSTILE, cron: '0 9 * * *' });
        for (let i = 0; i < 60; i++)
          pulse.updateRun(pulse.createRun(id, 'manual').id, {
            status: i % 5 === 0 ? 'failed' : 'completed',
            durationMs: i * 100,
            finishedAt: Date.now(),
            error: HOSTILE,
          });
        const index = new SqliteIndex(db);
        for (let i = 0; i < 60; i++)
          index.insertMessage({
            id: `m${i}`,
            subject: HOSTILE,
            endpointHash: `e${i % 4}`,
            payload: 'x'.repeat(i === 0 ? 1_000_000 : 10),
          });
        new TraceStore(db).insertSpan({
          messageId: 'm1',
          traceId: 't',
          subject: HOSTILE,
          status: 'delivered',
          deliveredAt: Date.now(),
        });
        db.$client.close();
        served = await Served.start('src/cli/main.ts', folder.file('dork.db'));
        browser = await startChromium();
      },
      { timeout: TIMEOUT },
    );
    after(async () => {
      await browser?.close();
      await served?.end();
      folder[Symbol.dispose]();
    });

    /** A page that was let in, and what went wrong on it. */
    async function letIn(
      options: { colorScheme?: 'light' | 'dark'; width?: number } = {},
    ): Promise<{ page: Page; problems: string[] }> {
      const { colorScheme = 'light', width = 1280 } = options;
      // Colors half-way through a transition are nobody's choice.
      const context = await browser.newContext({
        colorScheme,
        reducedMotion: 'reduce',
        viewport: { width, height: 900 },
      });
      const page = await context.newPage();
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
      page.on('request', (request) => {
        if (!request.url().startsWith(`http://127.0.0.1:${served.port}/`) && !request.url().startsWith('data:'))
          problems.push(request.url());
      });
      await page.goto(served.address);
      await page.waitForSelector('main > section');
      return { page, problems };
    }

    async function show(page: Page, view: string): Promise<void> {
      await page.evaluate((to) => {
        (globalThis as unknown as { location: { hash: string } }).location.hash = to;
      }, view);
      await page.waitForSelector('main:not([aria-busy]) > section');
    }

    it('shows every view at three widths, light and dark, without an error, and never wider than the window', {
      timeout: TIMEOUT,
    }, async () => {
      for (const width of [390, 820, 1440])
        for (const colorScheme of ['light', 'dark'] as const) {
          const { page, problems } = await letIn({ width, colorScheme });
          for (const view of VIEWS) {
            await show(page, view);
            const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
            assert.ok(Number(over) <= 0, `${view} at ${width} is ${over} too wide`);
          }
          assert.deepEqual(problems, []);
          await page.context().close();
        }
    });

    it('takes the token out of the address, and gives another context nothing', { timeout: TIMEOUT }, async () => {
      const { page } = await letIn();
      assert.ok(!page.url().includes('token'), page.url());
      const stranger = await (await browser.newContext()).newPage();
      const answer = await stranger.goto(page.url());
      assert.equal(answer?.status(), 401);
      await stranger.context().close();
      await page.context().close();
    });

    it('shows hostile content as text, and runs none of it', { timeout: TIMEOUT }, async () => {
      const { page } = await letIn();
      for (const view of [
        'runs',
        'messages',
        'traces?trace=t',
        'messages?message=m0',
        'file?table=pulse_schedules',
        'file?table=relay_index',
        `file?sql=${encodeURIComponent("SELECT '<script>window.hacked = 1</script>' AS x")}`,
      ]) {
        await show(page, view);
        const found = (await page.evaluate(
          `({ hacked: window.hacked, scripts: document.querySelectorAll('main script, main img').length, text: document.querySelector('main').innerText })`,
        )) as { hacked: unknown; scripts: number; text: string };
        assert.deepEqual([found.hacked, found.scripts], [undefined, 0], view);
        assert.ok(!found.text.includes('\u202E'), view);
      }
      await show(page, 'file?table=pulse_schedules');
      const text = (await page.textContent('main')) ?? '';
      assert.ok(
        text.includes('<script>window.hacked = 1</script>') && text.includes('⟨U+202E⟩gnp.exe'),
        text.slice(0, 500),
      );
      await page.context().close();
    });

    it('has nothing serious that axe-core finds, light and dark', { timeout: TIMEOUT }, async () => {
      const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
      for (const colorScheme of ['light', 'dark'] as const) {
        const { page } = await letIn({ colorScheme });
        for (const view of VIEWS) {
          await show(page, view);
          // Through the debugger: the page's own policy lets nothing in.
          const session = await page.context().newCDPSession(page);
          await session.send('Runtime.evaluate', { expression: axe });
          const { result } = await session.send('Runtime.evaluate', {
            expression: `axe.run(document, { resultTypes: ['violations'] }).then((r) => JSON.stringify(r.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => v.id + ': ' + v.nodes.slice(0, 3).map((n) => n.html + n.failureSummary).join(' | '))))`,
            awaitPromise: true,
            returnByValue: true,
          });
          assert.equal(result.value, '[]', `${view}, ${colorScheme}`);
        }
        await page.context().close();
      }
    });

    it('is worked by keyboard alone: views, pause, a chart’s values, a table', { timeout: TIMEOUT }, async () => {
      const { page, problems } = await letIn();
      await page.keyboard.press('2');
      await page.waitForSelector('nav a[aria-current]:has-text("Runs")');
      await page.waitForSelector('svg[role=img]');
      await page.focus('svg[role=img]');
      await page.keyboard.press('ArrowLeft');
      assert.match((await page.textContent('.legend .at')) ?? '', /\d/);
      await page.focus('main details summary');
      await page.keyboard.press('Enter');
      await page.waitForSelector('main details table');
      await page.keyboard.press('p');
      assert.equal(await page.textContent('#state'), 'paused');
      await page.keyboard.press('1');
      await page.waitForSelector('main section.verdict');
      assert.deepEqual(problems, []);
      await page.context().close();
    });

    it('follows what another process writes, and keeps what is typed meanwhile', { timeout: TIMEOUT }, async () => {
      const { page } = await letIn();
      await show(page, 'file?table=pulse_schedules');
      await page.fill('input[name=value]', 'typed');
      using db = createDb(folder.file('dork.db'));
      new PulseStore(db).createSchedule({ name: 'came later', prompt: 'p', cron: '0 9 * * *' });
      await page.waitForSelector('main :text("came later")');
      assert.equal(await page.inputValue('input[name=value]'), 'typed');
      await page.context().close();
    });
  });
