// What was refused, and why.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, openHash, openView, openWorld, send } from './harness.mjs';
import { browser, url } from './shared.mjs';

const rows = (page) => page.getByRole('region', { name: 'Refusals, newest first' }).locator('tbody tr');

async function search(page, text) {
  await page.getByRole('textbox', { name: 'Client' }).fill(text);
  await page.keyboard.press('Enter');
}

test('the refusal of client 2 is found by id, external id and phone, explained, and resolved through its link', async (t) => {
  const page = await openWorld(browser, t, url, 'refused');
  await send(url, 'test-crm@refused', 3);
  await send(url, 'test-crm@refused', 2);
  await openView(page, 'Refused');
  await page.getByRole('cell', { name: 'formEnabled' }).waitFor();
  for (const text of ['2', 'crm-2', '+7 842 349-32-35']) {
    await search(page, text);
    await page.getByText('Client 2 Bob · crm-2').waitFor();
    await page.getByText('It must be CLOSED first.').waitFor();
    await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
    assert.match(await rows(page).first().innerText(), /noOpenThread[^]*409 Client has open thread/);
    await search(page, '');
    await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 2);
  }
  await search(page, '2');
  // What was found stands where the rule would read as a contradiction.
  const found = page.getByRole('listitem').filter({ hasText: 'noOpenThread' });
  assert.match(await found.innerText(), /Thread 3 is ASSIGNED since 2026-03-02 \d\d:\d\d\./);
  await page.getByRole('link', { name: 'Thread 3' }).click();
  await page.getByRole('button', { name: 'Edit' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('combobox', { name: /^Status/ }).selectOption('CLOSED');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved thread 3.').waitFor();
  assert.equal((await send(url, 'test-crm@refused', 2)).status, 200);
  await openView(page, 'Refused');
  await search(page, 'crm-4');
  await page.getByText('Client has no closed thread').first().waitFor();
});

test('a refusal is found by its client even if a rule refused it before the client was looked up', async (t) => {
  const page = await openWorld(browser, t, url, 'asked');
  await call(url, 'test-admin@asked', 'PATCH', '/admin/settings', { surveysViaExternalApi: false });
  await send(url, 'test-crm@asked', 1);
  await send(url, 'test-crm@asked', 7);
  await openView(page, 'Refused');
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 2);
  await search(page, '7');
  await page.getByText('No client has the id, external id or phone 7.').waitFor();
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
  await page.getByRole('row', { name: /7 surveysEnabled/ }).waitFor();
  await page.getByText(/Surveys are off since \d\d:\d\d, switched by test-admin\./).waitFor();
});

test('the filters of the refusals are in the address, and a filter that finds nothing is named', async (t) => {
  const page = await openWorld(browser, t, url, 'filters');
  await send(url, 'test-crm@filters', 2);
  await send(url, 'test-helpdesk@filters', 4);
  await openHash(page, 'refusals?rule=hasClosedThread');
  await page.getByRole('cell', { name: '409 Client has no closed thread' }).waitFor();
  assert.equal(await rows(page).count(), 1);
  await page.getByRole('textbox', { name: 'Token' }).fill('test-crm');
  await page.keyboard.press('Enter');
  await page.getByText('No refusals match rule hasClosedThread and token test-crm.').waitFor();
  assert.equal(new URL(page.url()).hash, '#refusals?rule=hasClosedThread&token=test-crm');
});
