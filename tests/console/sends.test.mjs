// The sends, live, and the switch that turns them off.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, openWorld, send } from './harness.mjs';
import { browser, url } from './shared.mjs';

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

test('new sends appear without a reload, and the filter applies to them and is in the address', async (t) => {
  const page = await openWorld(browser, t, url, 'live');
  await page.getByText('No sends yet').waitFor();
  await send(url, 'test-crm@live', 1);
  await page.getByRole('cell', { name: '#1', exact: true }).waitFor();
  await page.getByLabel('Client', { exact: true }).fill('2');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.getByText('No sends match client 2.').waitFor();
  await send(url, 'test-crm@live', 1);
  await call(url, 'test-admin@live', 'PUT', '/admin/threads/3', { clientId: 2, channel: 1, status: 'CLOSED', startTime: '2026-03-01T10:00:00Z', stateChangeTime: '2026-03-01T10:15:00Z' });
  await send(url, 'test-crm@live', 2);
  await page.getByRole('cell', { name: '#3', exact: true }).waitFor();
  assert.equal(await page.getByRole('cell', { name: '#2', exact: true }).count(), 0);
  assert.equal(new URL(page.url()).hash, '#sends?client=2');
  await page.reload();
  await page.getByRole('cell', { name: '#3', exact: true }).waitFor();
  assert.equal(await page.getByLabel('Client', { exact: true }).inputValue(), '2');
  await page.getByLabel('Client', { exact: true }).fill('4');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await page.getByRole('cell', { name: '#2', exact: true }).waitFor();
});

test('a row says who got the survey, and its links lead to the details', async (t) => {
  const page = await openWorld(browser, t, url, 'names');
  await send(url, 'test-crm@names', 1);
  await page.getByRole('row', { name: /#1 .*1 Alice · crm-1 1 1 Service quality test-crm/ }).waitFor();
  await page.getByRole('link', { name: '1 Alice · crm-1' }).click();
  await page.getByRole('heading', { name: 'Client 1' }).waitFor();
  await page.getByText('A send would be accepted now.').waitFor();
  await page.getByRole('cell', { name: '#1', exact: true }).getByRole('link').click();
  await page.getByRole('heading', { name: 'Send 1' }).waitFor();
  await page.getByText('Recorded, and not delivered').waitFor();
  assert.equal(new URL(page.url()).hash, '#sends/1');
  await page.getByRole('link', { name: '1 Service quality' }).click();
  await page.getByRole('heading', { name: 'Form 1' }).waitFor();
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
  await page.getByRole('cell', { name: '#2000', exact: true }).waitFor();
  assert.ok((await page.locator('tbody tr').count()) <= 100);
  // The rows that left the page can be read again.
  await page.getByRole('button', { name: 'More' }).click();
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length > 100);
  t.diagnostic(`2,000 sends, ${perMinute} a minute: the longest task took ${await page.evaluate(() => window.longest)} ms`);
});
