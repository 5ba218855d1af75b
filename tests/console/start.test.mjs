// The first load of the console: its size, its time, and behind a proxy.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { test } from 'node:test';
import { isLive, openPage, openWorld, send } from './harness.mjs';
import { browser, url } from './shared.mjs';

/** A reverse proxy that serves the fake under a path. */
async function startProxy(path) {
  const proxy = createServer((asked, answer) => {
    if (!asked.url.startsWith(`${path}/`)) return answer.writeHead(404).end();
    const { method, headers } = asked;
    const passed = request(url + asked.url.slice(path.length), { method, headers }, (come) => {
      answer.writeHead(come.statusCode, come.headers);
      come.pipe(answer);
    });
    // The page leaves while events still come.
    answer.on('close', () => passed.destroy());
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const stop = () => {
    proxy.closeAllConnections();
    proxy.close();
  };
  return { url: `http://127.0.0.1:${proxy.address().port}${path}`, stop };
}

test('the console works behind a proxy that serves it under a path', async (t) => {
  const proxy = await startProxy('/surveys/console');
  t.after(proxy.stop);
  const page = await openWorld(browser, t, proxy.url, 'proxied');
  // It comes with the events.
  await send(url, 'test-crm@proxied', 1);
  await page.getByRole('cell', { name: '#1', exact: true }).waitFor();
  await page.getByRole('link', { name: 'API documentation' }).click();
  const link = await page.getByRole('link', { name: 'openapi.json', exact: true }).evaluate(({ href }) => href);
  assert.equal((await fetch(link)).status, 200);
  assert.equal(await page.evaluate(() => document.styleSheets.length), 1);
  await page.getByRole('link', { name: 'Console', exact: true }).click();
  await page.getByRole('heading', { name: 'Sends' }).waitFor();
  await isLive(page);
  // Before the proxy stops.
  await page.close();
});

test('the console signs in with the token of the fake, and its first load is below 100 kB', async (t) => {
  const page = await openPage(browser, t, url);
  await page.getByRole('heading', { name: 'Sends' }).waitFor();
  await isLive(page);
  await page.waitForFunction(() => !document.querySelector('#main[aria-busy]'));
  // The modules of the other sections are loaded when they are opened.
  assert.equal(await page.evaluate(() => performance.getEntriesByName(`${location.origin}/console/tokens.js`).length), 0);
  const sizes = await page.evaluate(() => performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))
    .filter(({ name }) => !name.endsWith('/admin/events')).map(({ transferSize }) => transferSize));
  const weight = sizes.reduce((sum, size) => sum + size);
  assert.ok(weight > 10_000 && weight < 100_000, `the first load is ${weight} bytes`);
  t.diagnostic(`first load: ${weight} bytes in ${sizes.length} answers`);
});

/** Runs in the page. Logs the time when the sends are shown and the event stream is connected. */
function logWhenUsable() {
  const isUsable = () => document.querySelector('#main[data-view]:not([aria-busy]) tbody tr') && document.querySelector('#state.live');
  const observer = new MutationObserver(() => {
    if (!isUsable()) return;
    observer.disconnect();
    console.debug(`usable after ${performance.now()}`);
  });
  observer.observe(document, { subtree: true, childList: true, attributes: true });
}

test('a new page shows the sends, and the time that this took is reported', async (t) => {
  await send(url, 'test-crm', 1);
  const durations = [];
  for (let round = 0; round < 9; round += 1) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    await page.addInitScript(logWhenUsable);
    const logged = page.waitForEvent('console', (message) => message.text().startsWith('usable'));
    await page.goto(url);
    durations.push(Number((await logged).text().split(' ')[2]));
    await context.close();
  }
  durations.sort((one, other) => one - other);
  // No limit, because it depends on the machine. The goal is 200 ms.
  t.diagnostic(`usable after ${Math.round(durations[4])} ms, at the median of ${durations.length} new pages`);
});
