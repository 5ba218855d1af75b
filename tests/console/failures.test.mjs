// What the console shows of failures: they are failures, they can be retried, and they do not stay.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { before, test } from 'node:test';
import { isLive, openHash, openPage, openView, send } from './harness.mjs';
import { browser, fake } from './shared.mjs';

before(async () => {
  await send(fake.url, 'test-crm', 1);
});

/** A connection to the fake that can be cut, as if the server had stopped. */
async function startSwitch(t) {
  const state = { isOn: true, open: new Set() };
  const server = createServer((asked, answer) => {
    if (!state.isOn) return asked.socket.destroy();
    const { method, headers } = asked;
    const passed = request(fake.url + asked.url, { method, headers }, (come) => {
      answer.writeHead(come.statusCode, come.headers);
      come.pipe(answer);
    });
    answer.on('close', () => passed.destroy());
    passed.on('error', () => answer.destroy());
    return asked.pipe(passed);
  });
  server.on('connection', (socket) => state.open.add(socket.on('close', () => state.open.delete(socket))));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  state.url = `http://127.0.0.1:${server.address().port}`;
  state.stop = () => {
    state.isOn = false;
    state.open.forEach((socket) => socket.destroy());
  };
  return state;
}

const SECTIONS = ['sends', 'refusals', 'deliveries', 'status', 'clients', 'threads', 'channels', 'forms', 'tokens', 'audit', 'worlds', 'fake', 'clients/1', 'sends/1'];

test('with the server stopped, no section says that there is nothing, and each has a Retry', async (t) => {
  const server = await startSwitch(t);
  const page = await openPage(browser, t, server.url, { expectErrors: true });
  await isLive(page);
  // The modules are loaded while the server answers.
  for (const section of SECTIONS) await openHash(page, section);
  server.stop();
  await page.getByText('Reconnecting…').waitFor();
  for (const section of SECTIONS) {
    await openHash(page, section);
    await page.getByText('The server does not answer. Is it still running?').first().waitFor();
    await page.locator('main').getByRole('button', { name: 'Retry' }).first().waitFor();
    const text = await page.locator('main').innerText();
    assert.doesNotMatch(text, /There (is|are) no|No (sends|deliveries|changes|tokens)|Nothing was/, section);
  }
  // When the server answers again, the page heals by itself.
  server.isOn = true;
  await openHash(page, 'clients');
  await page.getByRole('cell', { name: 'Alice' }).waitFor();
  await isLive(page);
  assert.equal(await page.getByText('The server does not answer').count(), 0);
});

test('a list that could not be loaded is loaded by its Retry', async (t) => {
  const page = await openPage(browser, t, fake.url, { expectErrors: true });
  await isLive(page);
  await page.route('**/admin/clients?**', (route) => route.abort());
  await openHash(page, 'clients');
  await page.getByText('Clients could not be loaded.').waitFor();
  await page.unroute('**/admin/clients?**');
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByRole('cell', { name: 'Alice' }).waitFor();
  assert.equal(await page.getByText('could not be loaded').count(), 0);
});

test('a page that is opened while the server is stopped can be tried again', async (t) => {
  const server = await startSwitch(t);
  const page = await openPage(browser, t, server.url, { expectErrors: true });
  await isLive(page);
  await page.route('**/console.json', (route) => route.abort());
  await page.reload();
  await page.getByText('The console could not be loaded.').waitFor();
  await page.unroute('**/console.json');
  await page.getByRole('button', { name: 'Retry' }).click();
  await isLive(page);
});

test('a section whose module cannot be loaded is a failure, too', async (t) => {
  const page = await openPage(browser, t, fake.url, { expectErrors: true });
  await isLive(page);
  await page.route('**/console/audit.js', (route) => route.abort());
  await openHash(page, 'audit');
  await page.getByText('The section Audit could not be loaded.').waitFor();
  await page.unroute('**/console/audit.js');
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByText('No changes yet.').waitFor();
});

test('the message of a failed action leaves with the section', async (t) => {
  const page = await openPage(browser, t, fake.url, { expectErrors: true });
  await isLive(page);
  await openView(page, 'Clock and faults');
  await page.getByLabel('Stop at (UTC)').fill('yesterday');
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.locator('#toast.error').getByRole('button', { name: 'Dismiss' }).waitFor();
  await openView(page, 'Audit');
  await page.getByRole('heading', { name: 'Audit' }).waitFor();
  assert.equal(await page.locator('#toast').innerText(), '');
});

test('a filter that the server refuses is a failure, and not an empty list', async (t) => {
  const page = await openPage(browser, t, fake.url, { expectErrors: true, hash: '#deliveries?channel=x' });
  await page.getByText('channel must be a 64-bit integer').waitFor();
  assert.equal(await page.getByText('No deliveries').count(), 0);
});
