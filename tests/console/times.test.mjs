// Times are those of the world's clock, and not of the browser's.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, openHash, openWorld, send } from './harness.mjs';
import { browser, url } from './shared.mjs';

const firstTime = (page) => page.locator('tbody tr').first().locator('time');

test('a send is as old as the clock of the world says, and the exact time names its zone', async (t) => {
  const admin = (method, path, body) => call(url, 'test-admin@moved', method, path, body);
  await admin('PUT', '/admin/clock', { now: '2031-05-10T09:00:00Z' });
  await send(url, 'test-crm@moved', 1);
  await admin('PUT', '/admin/clock', { now: '2031-05-10T09:12:00Z' });
  const page = await openWorld(browser, t, url, 'moved', { timezoneId: 'Asia/Kolkata' });
  assert.equal(await firstTime(page).innerText(), '12 min ago');
  assert.equal(await firstTime(page).getAttribute('title'), '2031-05-10 14:30:00.000 UTC+05:30\n2031-05-10 09:00:00.000 UTC');
  await page.getByText('Times in Asia/Calcutta, UTC+05:30').or(page.getByText('Times in Asia/Kolkata, UTC+05:30')).waitFor();
  // On another day it has its date.
  await openHash(page, 'fake');
  await page.getByRole('button', { name: '+ 1 day' }).click();
  await page.getByText('2031-05-11 14:42:00 UTC+05:30').waitFor();
  await openHash(page, 'sends');
  assert.equal(await firstTime(page).innerText(), '2031-05-10 14:30');
});

test('a token that has expired in the world is shown as expired', async (t) => {
  const admin = (method, path, body) => call(url, 'test-admin@expired', method, path, body);
  await admin('POST', '/admin/tokens', { name: 'short', role: 'INTEGRATOR', expires: '1h' });
  const page = await openWorld(browser, t, url, 'expired', { hash: '#tokens' });
  await page.getByRole('row', { name: /short .*valid/ }).waitFor();
  await openHash(page, 'fake');
  await page.getByRole('button', { name: '+ 1 day' }).click();
  await page.getByRole('link', { name: /^Clock is/ }).waitFor();
  await openHash(page, 'tokens');
  await page.getByRole('row', { name: /short .*expired/ }).waitFor();
});

test('the clock of the browser has no part in it', async (t) => {
  await send(url, 'test-crm@late', 1);
  const context = { timezoneId: 'UTC' };
  const page = await openWorld(browser, t, url, 'late', context);
  await page.clock.setFixedTime('2020-01-01T00:00:00Z');
  await page.reload();
  await firstTime(page).waitFor();
  assert.match(await firstTime(page).innerText(), /^(now|\d+ s ago)$/);
});
