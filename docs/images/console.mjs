// Takes the pictures of the console and writes them into a folder: `node console.mjs FOLDER`. `make` runs this.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { call, openBrowser, startFake } from '../../tests/console/harness.mjs';

const FOLDER = process.argv[2];
/** The time in the pictures: tomorrow, because the clock of a fake does not go back. The browser shows the same time. */
const NOW = new Date().setUTCHours(24 + 10, 15, 0, 0);
const STEP_MS = 60_000;
const STEPS = 60;

/** A client and a form that is enabled for its channel. */
const ALLOWED = [[1041, 1], [1052, 1], [1063, 3], [1047, 2], [1058, 1], [1043, 3], [1055, 3], [1058, 2], [1041, 3]];
/** A client and a form that a rule refuses: open thread, form not enabled, no closed thread, no such client. */
const REFUSED = [[1043, 1], [1066, 3], [1055, 2], [1070, 1]];
/** What happens to client 1042, by step. */
const HISTORY = {
  12: ({ send }) => send([1042, 2]),
  31: async ({ admin, send }) => {
    await admin('PATCH', 'settings', { surveysViaExternalApi: false });
    await send([1042, 1]);
    await send([1041, 1]);
    await admin('PATCH', 'settings', { surveysViaExternalApi: true });
  },
  44: ({ admin, send }) => admin('PUT', 'threads/20319', OPEN_THREAD).then(() => send([1042, 1])),
};
const OPEN_THREAD = {
  clientId: 1042, channel: 1, status: 'ASSIGNED', startTime: '2026-03-02T10:10:20Z', stateChangeTime: '2026-03-02T10:10:45Z',
};
const TOKENS = ['test-crm', 'test-crm', 'test-telephony', 'test-crm', 'test-helpdesk'];

/** Numbers from 0 to 1 that are the same in every run (the generator mulberry32). */
function createRandom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A gateway that accepts each delivery. */
async function startGateway() {
  const gateway = createServer((request, response) => request.resume().on('end', () => response.writeHead(204).end()));
  gateway.listen(0, '127.0.0.1');
  await once(gateway, 'listening');
  return gateway;
}

/** An hour of sends and refusals. */
async function fill(url, gateway) {
  const admin = (method, path, body) => call(url, 'test-admin', method, `/admin/${path}`, body);
  const deliveryUrl = `http://127.0.0.1:${gateway.address().port}/surveys`;
  for (const id of [1, 3]) {
    const channel = (await admin('GET', `channels/${id}`)).body;
    await admin('PUT', `channels/${id}`, { ...channel, deliveryUrl });
  }
  const random = createRandom(11);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const send = ([client, form]) =>
    call(url, pick(TOKENS), 'POST', '/api/v1/quality/send', { clientId: { type: 'internalClientId', id: client }, qualityFormId: form });
  for (let step = 1; step <= STEPS; step += 1) {
    const start = NOW - (STEPS - step + 1) * STEP_MS;
    const count = Math.floor(3.6 * Math.sin(step / 13) ** 2 * random() + random());
    for (let sent = 0; sent < count; sent += 1) {
      const now = new Date(start + Math.floor(((sent + random()) / count) * STEP_MS)).toISOString();
      await admin('PUT', 'clock', { now });
      await send(pick(random() < 0.22 ? REFUSED : ALLOWED));
    }
    if (HISTORY[step]) await HISTORY[step]({ admin, send });
  }
  await admin('PUT', 'clock', { now: new Date(NOW).toISOString() });
  // The pictures show the end of all deliveries.
  for (const since = Date.now(); Date.now() < since + 10_000; await new Promise((resolve) => setTimeout(resolve, 100))) {
    const { body } = await admin('GET', 'sends?before=end&limit=50');
    if (!body.some(({ delivery }) => delivery === 'pending')) break;
  }
}

/** Takes the picture of a view down to the end of a row of its table, and a margin. */
async function takePicture(browser, url, colorScheme, { name, view, row, margin }) {
  const options = { viewport: { width: 1200, height: 800 }, deviceScaleFactor: 1.25, timezoneId: 'UTC', locale: 'en-GB' };
  const context = await browser.newContext({ ...options, colorScheme });
  const page = await context.newPage();
  await page.clock.setFixedTime(NOW);
  await page.goto(`${url}/${view}`);
  await page.getByText('Live', { exact: true }).waitFor();
  await page.getByText(/^changed by /).waitFor();
  const { y, height } = await page.locator('#main:not([aria-busy]) tbody tr').nth(row).boundingBox();
  // The chart is drawn in the next frames.
  await page.waitForTimeout(500);
  const clip = { x: 0, y: 0, width: 1200, height: Math.round(y + height) + margin };
  await page.screenshot({ path: join(FOLDER, `${name}-${colorScheme}.png`), clip });
  await context.close();
}

const world = new URL('world.json', import.meta.url).pathname;
const [fake, browser, gateway] = await Promise.all([startFake('--world', world), openBrowser(), startGateway()]);
try {
  await fill(fake.url, gateway);
  for (const colorScheme of ['light', 'dark']) {
    await takePicture(browser, fake.url, colorScheme, { name: 'console', view: '', row: 6, margin: 0 });
    await takePicture(browser, fake.url, colorScheme, { name: 'refusals', view: '#refusals?person=1042', row: 2, margin: 330 });
  }
} finally {
  gateway.close();
  await browser.close();
  await fake.stop();
}
