// Deliveries: a failed one is retried, alone or with all of its channel.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { call, openHash, openView, openWorld, send } from './harness.mjs';
import { browser, url } from './shared.mjs';

/** A gateway that answers with the status of `state`. */
async function startGateway(t, state) {
  const gateway = createServer((request, response) => request.resume().on('end', () => response.writeHead(state.status).end()));
  gateway.listen(0, '127.0.0.1');
  await once(gateway, 'listening');
  t.after(() => gateway.close());
  return { name: 'Web widget', type: 'WEB', deliveryUrl: `http://127.0.0.1:${gateway.address().port}/` };
}

test('a failed delivery can be retried', async (t) => {
  const state = { status: 410 };
  const channel = await startGateway(t, state);
  const page = await openWorld(browser, t, url, 'deliver');
  await call(url, 'test-admin@deliver', 'PUT', '/admin/channels/1', channel);
  await openView(page, 'Deliveries');
  await send(url, 'test-crm@deliver', 1);
  await page.getByRole('cell', { name: 'cancelled' }).waitFor();
  await page.getByRole('cell', { name: /410/ }).waitFor();
  state.status = 200;
  await call(url, 'test-admin@deliver', 'PUT', '/admin/channels/1', channel);
  await page.getByRole('button', { name: 'Retry send 1' }).click();
  await page.getByRole('cell', { name: 'delivered' }).waitFor();
});

test('all failed deliveries are retried only after a question, their counts follow, and none while the channel is off', async (t) => {
  const state = { status: 410 };
  const channel = await startGateway(t, state);
  const admin = (method, path, body) => call(url, 'test-admin@retry', method, path, body);
  const page = await openWorld(browser, t, url, 'retry');
  await admin('PUT', '/admin/channels/1', channel);
  for (let sent = 0; sent < 3; sent += 1) await send(url, 'test-crm@retry', 1);
  await openHash(page, 'deliveries');
  const board = page.getByRole('list', { name: 'Channels' });
  await board.getByText('Nothing can be retried until deliveries are on again.').waitFor();
  await board.getByRole('link', { name: '3 cancelled' }).waitFor();
  assert.equal(await board.getByRole('button').count(), 0);
  state.status = 200;
  await admin('PUT', '/admin/channels/1', channel);
  await page.reload();
  const retry = board.getByRole('button', { name: 'Retry all cancelled deliveries of channel 1' });
  await retry.click();
  await page.getByRole('heading', { name: 'Retry 3 cancelled deliveries?' }).waitFor();
  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  assert.deepEqual((await admin('GET', '/admin/deliveries?state=cancelled')).body.length, 3);
  await retry.click();
  await page.getByRole('button', { name: 'Retry 3' }).click();
  await page.getByText('3 deliveries of channel 1 are due now.').waitFor();
  await board.getByRole('link', { name: '0 cancelled' }).waitFor();
  await page.waitForFunction(() => document.querySelectorAll('td .badge.success').length === 3);
  assert.equal(await retry.count(), 0);
});
