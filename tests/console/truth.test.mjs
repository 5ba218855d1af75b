// Each figure of the console is that of the API, after a scripted history with a moved clock and refusals of every rule.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, openHash, openWorld, send } from './harness.mjs';
import { fill, REFUSED } from './history.mjs';
import { browser, url } from './shared.mjs';

const admin = (world) => (method, path, body) => call(url, `test-admin@${world}`, method, `/admin/${path}`, body);

/** The sum of all rows of the statistics. */
async function totals(world, from, to) {
  const { rows } = (await admin(world)('GET', `stats?from=${from}&to=${to}`)).body;
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
  return [sum(rows.map(({ sent }) => sent)), sum(rows.flatMap(({ refused }) => Object.values(refused)))];
}

/** The count of the chart of a period. */
const chartText = (page, text) => page.getByRole('img', { name: text, exact: true }).waitFor();

test('the chart counts what was sent and refused, also of days before and more than a page', async (t) => {
  const set = (now) => admin('counted')('PUT', 'clock', { now });
  const many = async (amount, client) => {
    for (let sent = 0; sent < amount; sent += 1) await send(url, 'test-crm@counted', client);
  };
  await set('2031-04-20T09:00:00Z');
  await many(3, 1);
  await many(2, 2);
  await set('2031-05-10T03:30:00Z');
  await many(4, 1);
  await set('2031-05-10T09:10:00Z');
  await many(85, 1);
  for (const [client, form, token] of Object.values(REFUSED)) await send(url, `${token}@counted`, client, form);
  await set('2031-05-10T09:50:00Z');
  await many(1, 1);
  const page = await openWorld(browser, t, url, 'counted', { timezoneId: 'Asia/Kolkata' });
  const [, refused] = await totals('counted', '2031-05-10T09:00:00Z', '2031-05-10T10:00:00Z');
  await chartText(page, `Last hour: 86 sent, ${refused} refused`);
  // A refusal of each rule that refuses a known caller.
  for (const rule of ['targetExists', 'noOpenThread', 'hasClosedThread', 'formEnabled', 'body', 'role']) await page.getByText(new RegExp(`\\b1 ${rule}`)).waitFor();
  await page.getByRole('button', { name: 'Last day' }).click();
  await chartText(page, `Last day: 90 sent, ${refused} refused`);
  await page.getByRole('button', { name: 'Last 30 days' }).click();
  await chartText(page, `Last 30 days: 93 sent, ${refused + 2} refused`);
  assert.deepEqual(await totals('counted', '2031-04-11', '2031-05-11'), [93, refused + 2]);
  assert.equal(new URL(page.url()).hash, '#sends?chart=month');
  // The titles of the bars have the counts of their days.
  const bars = await page.locator('.chart g title').allTextContents();
  assert.equal(bars.length, 30);
  assert.equal(bars.at(-1), `05-10: 90 sent, ${refused} refused`);
  assert.ok(bars.includes('04-20: 3 sent, 2 refused'));
  // A new send is counted.
  await many(1, 1);
  await chartText(page, `Last 30 days: 94 sent, ${refused + 2} refused`);
});

test('the lists have the rows of the API, and follow its pages', async (t) => {
  await fill(url, '@listed');
  for (let sent = 0; sent < 55; sent += 1) {
    await send(url, 'test-crm@listed', 1);
    await send(url, 'test-crm@listed', 2);
  }
  const page = await openWorld(browser, t, url, 'listed');
  const ids = () => page.locator('tbody tr td:first-child').allInnerTexts();
  const sends = (await admin('listed')('GET', 'sends?before=end&limit=1000')).body;
  await page.getByRole('button', { name: 'More' }).click();
  await page.waitForFunction((count) => document.querySelectorAll('tbody tr').length === count, sends.length);
  assert.deepEqual(await ids(), sends.map(({ sendingId }) => `#${sendingId}`));
  await page.getByRole('button', { name: 'More' }).waitFor({ state: 'hidden' });
  await openHash(page, 'refusals');
  const refusals = (await admin('listed')('GET', 'refusals?before=end&limit=1000')).body;
  await page.getByRole('button', { name: 'More' }).click();
  await page.waitForFunction((count) => document.querySelectorAll('tbody tr').length === count, refusals.length);
  assert.deepEqual(await page.locator('tbody tr td:nth-child(3)').allInnerTexts(), refusals.map(({ rule }) => rule));
  assert.deepEqual(await page.locator('tbody tr td:nth-child(4)').allInnerTexts(), refusals.map(({ status, message }) => `${status} ${message}`));
});

test('the board of channels has the counts of the API', async (t) => {
  await fill(url, '@board');
  const page = await openWorld(browser, t, url, 'board', { hash: '#deliveries' });
  const [row] = (await admin('board')('GET', 'deliveries/counts')).body;
  const card = page.getByRole('list', { name: 'Channels' }).getByRole('listitem').filter({ hasText: '1 Web widget' });
  await card.getByText(`${row.delivered} delivered since the server started.`).waitFor();
  for (const state of ['pending', 'dead', 'cancelled']) await card.getByRole('link', { name: `${row[state]} ${state}` }).waitFor();
  assert.ok(row.pending > 0);
  await card.getByText(/^Failing since .*: the connection was refused$/).waitFor();
});

test('the status has the figures of the API', async (t) => {
  await fill(url, '@status');
  const page = await openWorld(browser, t, url, 'status', { hash: '#status' });
  const { body: status } = await admin('status')('GET', 'status');
  const figure = async (part, name) => (await page.getByRole('region', { name: part }).locator('.number').filter({ hasText: name }).locator('b').innerText());
  await page.getByRole('region', { name: 'Sends' }).waitFor();
  assert.equal(await figure('Sends', 'in the database'), String(status.sends.total));
  assert.equal(await figure('Sends', 'in 24 hours'), String(status.sends.last24Hours));
  assert.equal(await figure('Deliveries', 'pending'), String(status.deliveries.pending));
  assert.equal(await figure('Deliveries', 'channels off'), String(status.deliveries.channelsOff));
  assert.equal(await figure('Server', 'schema'), String(status.schema));
  await send(url, 'test-crm@status', 1);
  await page.getByRole('region', { name: 'Sends' }).locator('b', { hasText: String(status.sends.total + 1) }).first().waitFor();
});
