// A history for the tests: rows with long names, sends, refusals of every rule, deliveries of every state, tokens.

import { call, send } from './harness.mjs';

/** An address of every section, and of the details of each kind of row. */
export const SECTIONS = [
  'sends', 'sends?client=4', 'sends/1', 'refusals', 'refusals?person=2', 'refusals?person=nobody', 'deliveries', 'status',
  'clients', 'clients/2', 'clients/5', 'clients/77', 'threads', 'threads/3', 'channels', 'channels/1', 'forms', 'forms/3',
  'tokens', 'tokens/1', 'audit', 'compose', 'fake', 'worlds',
];

/** A refused send for each rule that a caller can break: client, form, token. */
export const REFUSED = {
  token: [1, 1, 'test-expired'],
  role: [1, 1, 'test-wrongrole'],
  body: [1, 'one', 'test-crm'],
  targetExists: [70, 1, 'test-crm'],
  noOpenThread: [2, 1, 'test-crm'],
  hasClosedThread: [4, 1, 'test-telephony'],
  formEnabled: [3, 1, 'test-crm'],
};

export async function fill(url, world = '') {
  const admin = (method, path, body) => call(url, `test-admin${world}`, method, `/admin/${path}`, body);
  // Nothing listens on port 9.
  await admin('PUT', 'channels/1', { name: 'Web widget', type: 'WEB', deliveryUrl: 'http://127.0.0.1:9/surveys/of/the/web/widget' });
  await admin('PUT', 'channels/3', { name: 'Telegram bot of the support desk', type: 'TELEGRAM', deliveryUrl: 'http://127.0.0.1:9/', deliveryOff: 'the gateway is being moved to another machine' });
  await admin('PUT', 'forms/3', { name: 'How satisfied are you with our support desk today?' });
  await admin('PUT', 'forms/3/channels/1');
  await admin('PUT', 'clients/5', { name: 'Maximiliane Featherstonehaugh-Cholmondeley', externalId: 'customer-relationship-000000005', phone: '79123456789' });
  await admin('PUT', 'threads/5', { clientId: 5, channel: 1, status: 'CLOSED', startTime: '2026-03-01T10:00:00Z', stateChangeTime: '2026-03-01T10:15:00Z' });
  await admin('POST', 'tokens', { name: 'crm-of-the-northern-branch', role: 'INTEGRATOR', expires: '90d' });
  await admin('POST', 'tokens', { name: 'helpdesk', role: 'ADMIN' });
  for (const [client, form] of [[1, 1], [5, 3], [3, 2], [1, 1], [5, 1]]) await send(url, `test-crm${world}`, client, form);
  for (const [client, form, token] of Object.values(REFUSED)) await send(url, token + world, client, form);
  await admin('PATCH', 'settings', { surveysViaExternalApi: false });
  await send(url, `test-crm${world}`, 1);
  await admin('PATCH', 'settings', { surveysViaExternalApi: true });
}
