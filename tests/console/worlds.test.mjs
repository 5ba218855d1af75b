// What only a fake has: a send to try, the clock, faults and worlds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, isLive, openPage, openView, openWorld, send } from './harness.mjs';
import { browser, url } from './shared.mjs';

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

test('the clock can be stopped, and a fault added', async (t) => {
  const page = await openWorld(browser, t, url, 'tools');
  await openView(page, 'Clock and faults');
  await page.getByLabel('Stop at (UTC)').fill('2030-01-01T00:00:00Z');
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.getByText('stopped', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Clock is stopped' }).waitFor();
  await page.getByRole('button', { name: 'Add fault' }).click();
  await page.getByText('times 1, status 503').waitFor();
  assert.equal((await send(url, 'test-crm@tools', 1)).status, 503);
  assert.equal((await send(url, 'test-crm@tools', 1)).status, 200);
  const [sent] = (await call(url, 'test-admin@tools', 'GET', '/admin/sends')).body;
  assert.equal(sent.sentAt, '2030-01-01T00:00:00.000Z');
});

test('a world is reset after a question', async (t) => {
  const page = await openWorld(browser, t, url, 'resettable');
  await send(url, 'test-crm@resettable', 1);
  await send(url, 'test-crm@resettable', 1);
  await openView(page, 'Worlds');
  await page.getByRole('button', { name: 'Reset', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Reset' }).click();
  await page.getByText('The world was reset to its initial data.').waitFor();
  await isLive(page);
  await send(url, 'test-crm@resettable', 1);
  await openView(page, 'Sends');
  await page.getByRole('cell', { name: '#1', exact: true }).waitFor();
  assert.equal(await page.locator('tbody tr').count(), 1);
});

test('worlds are found by a part of their name, a click opens one, and a typo makes none', async (t) => {
  for (const name of ['orders-1', 'orders-2', 'billing', 'billing']) await send(url, `test-crm@${name}`, 1);
  const page = await openPage(browser, t, url);
  await isLive(page);
  await page.getByRole('link', { name: 'World: default' }).click();
  const worlds = page.getByRole('list', { name: 'Worlds' });
  await worlds.getByRole('button', { name: 'billing 2 sends' }).waitFor();
  await worlds.getByRole('button', { name: 'orders-1 1 send' }).waitFor();
  const box = page.getByRole('searchbox', { name: 'Find a world' });
  await box.fill('orders');
  assert.equal(await worlds.getByRole('button').count(), 2);
  await box.fill('orderz-1');
  await page.getByText('No world has a name with “orderz-1”.').waitFor();
  await page.keyboard.press('Enter');
  const names = (await call(url, 'test-admin', 'GET', '/admin/worlds')).body.map(({ name }) => name);
  assert.ok(!names.includes('orderz-1'));
  await box.fill('orders-2');
  await worlds.getByRole('button', { name: /orders-2/ }).click();
  await page.getByRole('link', { name: 'World: orders-2' }).waitFor();
  await page.getByRole('region', { name: 'World: orders-2' }).waitFor();
  // The world outlives a reload.
  await page.reload();
  await page.getByRole('link', { name: 'World: orders-2' }).waitFor();
  await openView(page, 'Sends');
  await page.getByRole('cell', { name: '#1', exact: true }).waitFor();
});
