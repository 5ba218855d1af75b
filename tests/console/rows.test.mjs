// Clients, threads, channels and forms, and the search box that finds them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, openHash, openView, openWorld, send } from './harness.mjs';
import { browser, url } from './shared.mjs';

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
  // The same applies to the details, the dialog and the audit.
  await page.getByRole('link', { name: '9007199254740993', exact: true }).click();
  await page.getByRole('heading', { name: 'Client 9007199254740993' }).waitFor();
  await page.getByRole('button', { name: 'Edit' }).click();
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), name);
  await page.getByLabel('Phone').fill('7842');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved client 9007199254740993.').waitFor();
  assert.equal((await call(url, 'test-admin@name', 'GET', '/admin/clients?after=9007199254740992')).body[0].phone, '7842');
  await openView(page, 'Audit');
  await page.getByText('phone: none → "7842"').click();
  await page.locator('details[open]').getByText('onerror').first().waitFor();
  assert.equal(await page.locator('main img, main b').count(), 0);
  assert.equal(await page.title(), 'Audit · surveyd');
});

test('the search box finds rows of every kind by id, name, external id and phone', async (t) => {
  const page = await openWorld(browser, t, url, 'search');
  await send(url, 'test-crm@search', 1);
  await page.keyboard.press('/');
  const box = page.getByRole('combobox', { name: 'Search' });
  assert.ok(await box.evaluate((element) => element === document.activeElement));
  const finds = async (text, expected) => {
    await box.fill(text);
    await page.waitForFunction((text) => document.querySelector('[role=listbox]').dataset.text === text, text);
    assert.deepEqual(await page.getByRole('option').allInnerTexts(), expected);
  };
  await finds('1', ['client 1 Alice · crm-1', 'thread 1 CLOSED, of client 1', 'send 1 to client 1', 'form 1 Service quality', 'channel 1 Web widget']);
  await finds('crm-3', ['client 3 Carol · crm-3 · 78423493236']);
  await finds('mobile', ['form 2 Mobile app quality', 'channel 2 Mobile app']);
  const people = ['Alice', 'Bob', 'Carol', 'Dan'].map((name, index) => `client ${index + 1} ${name} · crm-${index + 1} · 7842349323${index + 4}`);
  await finds('7842349323', people);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Client 2' }).waitFor();
  await page.keyboard.press('/');
  await box.fill('no such thing');
  await page.getByText('Nothing has the id, name, external id or phone “no such thing”.').waitFor();
});

test('a row that does not exist is said not to exist, and a client can be erased after a question', async (t) => {
  const page = await openWorld(browser, t, url, 'gone');
  await openHash(page, 'clients/77');
  await page.getByText('There is no client 77.').waitFor();
  await openHash(page, 'clients/1');
  await page.getByRole('button', { name: 'Erase' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  assert.equal((await call(url, 'test-admin@gone', 'GET', '/admin/clients/1')).status, 200);
  await page.getByRole('button', { name: 'Erase' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Erase' }).click();
  await page.getByText('Erased client 1.').waitFor();
  assert.equal((await call(url, 'test-admin@gone', 'GET', '/admin/clients/1')).status, 404);
});
