// The console of a fake. To run: `npm ci`, then `SURVEYD=target/debug/surveyd node --test`.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { after, before, test } from 'node:test';
import { call, openBrowser, openPage, openWorld, send, startFake } from './harness.mjs';

let fake, browser, url;

before(async () => {
  [fake, browser] = await Promise.all([startFake(), openBrowser()]);
  url = fake.url;
});

after(async () => {
  await browser?.close();
  await fake?.stop();
});

const openView = (page, name) => page.getByRole('navigation').getByRole('link', { name, exact: true }).click();

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
  await page.goto(`${proxy.url}/docs`);
  const link = await page.getByRole('link', { name: 'openapi.json', exact: true }).evaluate(({ href }) => href);
  assert.equal((await fetch(link)).status, 200);
  assert.equal(await page.evaluate(() => document.styleSheets.length), 1);
});

test('the console signs in with the token of the fake, and its first load is below 100 kB', async (t) => {
  const page = await openPage(browser, t, url);
  await page.getByRole('heading', { name: 'Sends' }).waitFor();
  assert.equal(await page.getByLabel('Token', { exact: true }).inputValue(), 'test-admin');
  // The modules of the other views are loaded after the first view.
  await page.waitForFunction(() => performance.getEntriesByName(`${location.origin}/console/fake.js`).length);
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

test('the switch changes the answer of the API, and shows who changed it last', async (t) => {
  const page = await openWorld(browser, t, url, 'switch');
  const toggle = page.getByRole('switch', { name: 'Surveys via external API' });
  await page.getByText('Surveys on').waitFor();
  assert.equal(await toggle.getAttribute('aria-checked'), 'true');
  await toggle.click();
  await page.getByText('Surveys off').waitFor();
  assert.equal((await send(url, 'test-crm@switch', 1)).body.message, 'Sending surveys via external api is disabled');
  await page.getByText(/^changed by test-admin, /).waitFor();
  // The switch follows a change by another caller.
  await call(url, 'test-admin@switch', 'PATCH', '/admin/settings', { surveysViaExternalApi: true });
  await page.getByText('Surveys on').waitFor();
  assert.equal((await send(url, 'test-crm@switch', 1)).status, 200);
});

test('new sends appear without a reload, and the filter applies to them', async (t) => {
  const page = await openWorld(browser, t, url, 'live');
  await page.getByText('No sends yet').waitFor();
  await send(url, 'test-crm@live', 1);
  await page.getByRole('cell', { name: '#1', exact: true }).waitFor();
  await page.getByRole('img', { name: 'Last ten minutes: 1 sent, 0 refused' }).waitFor();
  await page.getByLabel('Client', { exact: true }).fill('2');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.getByText('No sends yet').waitFor();
  await send(url, 'test-crm@live', 1);
  await call(url, 'test-admin@live', 'PUT', '/admin/threads/3', { clientId: 2, channel: 1, status: 'CLOSED', startTime: '2026-03-01T10:00:00Z', stateChangeTime: '2026-03-01T10:15:00Z' });
  await send(url, 'test-crm@live', 2);
  await page.getByRole('cell', { name: '#3', exact: true }).waitFor();
  assert.equal(await page.getByRole('cell', { name: '#2', exact: true }).count(), 0);
});

test('the refusal of client 2 is found by its id, explained, and resolved through its link', async (t) => {
  const page = await openWorld(browser, t, url, 'refused');
  await send(url, 'test-crm@refused', 3);
  await send(url, 'test-crm@refused', 2);
  await openView(page, 'Refusals');
  await page.getByRole('cell', { name: 'formEnabled' }).waitFor();
  await page.getByLabel('Client id or external id').fill('2');
  await page.keyboard.press('Enter');
  await page.getByText('Client has open thread').first().waitFor();
  const rows = page.getByRole('region', { name: 'Refused attempts, newest first' }).getByRole('row');
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
  assert.match(await rows.nth(1).innerText(), /noOpenThread[^]*409 Client has open thread/);
  await page.getByRole('link', { name: 'Open thread 3' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('combobox', { name: /^Status/ }).selectOption('CLOSED');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved thread 3.').waitFor();
  assert.equal((await send(url, 'test-crm@refused', 2)).status, 200);
  await openView(page, 'Refusals');
  await page.getByLabel('Client id or external id').fill('crm-4');
  await page.keyboard.press('Enter');
  await page.getByText('Client has no closed thread').first().waitFor();
});

test('an attempt is found by its client even if a rule refused it before the client was looked up', async (t) => {
  const page = await openWorld(browser, t, url, 'asked');
  await call(url, 'test-admin@asked', 'PATCH', '/admin/settings', { surveysViaExternalApi: false });
  await send(url, 'test-crm@asked', 1);
  await send(url, 'test-crm@asked', 7);
  await openView(page, 'Refusals');
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 2);
  await page.getByLabel('Client id or external id').fill('7');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
  await page.getByRole('row', { name: /surveysEnabled .* 7 / }).waitFor();
  await page.getByText('Turn surveys on at the top of this page.').waitFor();
});

test('a checkbox in the grid enables a form for a channel', async (t) => {
  const page = await openWorld(browser, t, url, 'grid');
  await openView(page, 'Forms');
  const checkbox = page.getByRole('checkbox', { name: 'Service quality on Mobile app' });
  assert.equal(await checkbox.isChecked(), false);
  await checkbox.check();
  await page.getByText('is enabled for Mobile app').waitFor();
  assert.equal((await send(url, 'test-crm@grid', 3)).status, 200);
});

test('HTML in a name is shown as text, and long ids keep their digits', async (t) => {
  const page = await openWorld(browser, t, url, 'name');
  const name = '<img src=x onerror="document.title=\'taken\'">';
  await call(url, 'test-admin@name', 'PUT', '/admin/clients/9007199254740993', { name, externalId: '<b>crm</b>' });
  await openView(page, 'Clients');
  await page.getByRole('cell', { name }).waitFor();
  // The same applies to the dialog and the audit.
  await page.getByRole('button', { name: 'Edit client 9007199254740993' }).click();
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), name);
  await page.getByLabel('Phone').fill('7842');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved client 9007199254740993.').waitFor();
  assert.equal((await call(url, 'test-admin@name', 'GET', '/admin/clients?after=9007199254740992')).body[0].phone, '7842');
  await openView(page, 'Audit');
  await page.getByText('whole row').first().click();
  await page.locator('details[open]').getByText('onerror').waitFor();
  assert.equal(await page.locator('main img, main b').count(), 0);
  assert.equal(await page.title(), 'Audit · surveyd');
});

test('a failed delivery can be retried', async (t) => {
  let status = 410;
  const gateway = createServer((request, response) => request.resume().on('end', () => response.writeHead(status).end()));
  gateway.listen(0, '127.0.0.1');
  await once(gateway, 'listening');
  t.after(() => gateway.close());
  const page = await openWorld(browser, t, url, 'deliver');
  const channel = { name: 'Web widget', type: 'WEB', deliveryUrl: `http://127.0.0.1:${gateway.address().port}/` };
  await call(url, 'test-admin@deliver', 'PUT', '/admin/channels/1', channel);
  await openView(page, 'Deliveries');
  await send(url, 'test-crm@deliver', 1);
  await page.getByRole('cell', { name: 'cancelled' }).waitFor();
  await page.getByRole('cell', { name: /410/ }).waitFor();
  status = 200;
  await call(url, 'test-admin@deliver', 'PUT', '/admin/channels/1', channel);
  await page.getByRole('button', { name: 'Retry send 1' }).click();
  await page.getByRole('cell', { name: 'delivered' }).waitFor();
});

test('a composed send is shown as curl, with its raw answer', async (t) => {
  const page = await openWorld(browser, t, url, 'compose', { expectErrors: true });
  await openView(page, 'Try a send');
  await page.getByLabel('Id', { exact: true }).fill('2');
  const curl = await page.getByRole('region', { name: 'Request as curl' }).innerText();
  assert.match(curl, /^curl -i http:\/\/127\.0\.0\.1:\d+\/api\/v1\/quality\/send [^]*'Authorization: Bearer test-crm@compose'[^]*"id":2/);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByText('"message" : "Client has open thread"').waitFor();
  assert.match(await page.getByRole('region', { name: 'Raw answer' }).innerText(), /^409 Conflict\n[^]*content-length: 119\n/);
});

test('the clock can be stopped, a fault added, and the world reset', async (t) => {
  const page = await openWorld(browser, t, url, 'tools');
  await openView(page, 'World, clock, faults');
  await page.getByLabel('Stop at (UTC)').fill('2030-01-01T00:00:00Z');
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.getByText('stopped', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Add fault' }).click();
  await page.getByText('times 1, status 503').waitFor();
  assert.equal((await send(url, 'test-crm@tools', 1)).status, 503);
  assert.equal((await send(url, 'test-crm@tools', 1)).status, 200);
  const [sent] = (await call(url, 'test-admin@tools', 'GET', '/admin/sends')).body;
  assert.equal(sent.sentAt, '2030-01-01T00:00:00.000Z');
  await page.getByRole('button', { name: 'Reset', exact: true }).click();
  await page.getByRole('button', { name: 'Confirm: Reset' }).click();
  await page.getByText('The world was reset to its initial data.').waitFor();
  await page.getByText('Live', { exact: true }).waitFor();
  await send(url, 'test-crm@tools', 1);
  await openView(page, 'Sends');
  await page.getByRole('cell', { name: '#1', exact: true }).waitFor();
  assert.equal(await page.locator('tbody tr').count(), 1);
});

test('the worlds are listed, and a click opens one', async (t) => {
  await send(url, 'test-crm@listed', 1);
  const page = await openWorld(browser, t, url, 'other');
  await openView(page, 'World, clock, faults');
  // A world in the token takes precedence over the world field.
  await page.getByLabel('Token', { exact: true }).fill('test-admin@lister');
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByRole('heading', { name: 'World @lister' }).waitFor();
  const worlds = page.getByRole('region', { name: 'Worlds' });
  assert.equal(await worlds.getByRole('button', { name: 'lister', exact: true }).getAttribute('aria-current'), 'true');
  await worlds.getByRole('button', { name: 'listed', exact: true }).click();
  await page.getByRole('heading', { name: 'World @listed' }).waitFor();
  await openView(page, 'Sends');
  await page.getByRole('cell', { name: '#1', exact: true }).waitFor();
});

test('with 2,000 sends the page keeps at most 100 rows', async (t) => {
  const page = await openWorld(browser, t, url, 'flood');
  await page.evaluate(() => {
    window.longest = 0;
    new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => (window.longest = Math.max(window.longest, duration)))).observe({ type: 'longtask' });
  });
  const start = Date.now();
  const sendMany = async () => {
    for (let sent = 0; sent < 250; sent += 1) await send(url, 'test-crm@flood', 1);
  };
  await Promise.all(Array.from({ length: 8 }, sendMany));
  const perMinute = Math.round((2000 * 60_000) / (Date.now() - start));
  await page.getByRole('img', { name: 'Last ten minutes: 2,000 sent, 0 refused' }).waitFor();
  await page.getByRole('cell', { name: '#2000', exact: true }).waitFor();
  assert.ok((await page.locator('tbody tr').count()) <= 100);
  t.diagnostic(`2,000 sends, ${perMinute} a minute: the longest task took ${await page.evaluate(() => window.longest)} ms`);
});
