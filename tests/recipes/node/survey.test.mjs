// A test suite in JavaScript that uses the fake: Node 20 or newer, no packages. It runs $SURVEYD or `surveyd`.
//
//     SURVEYD=target/debug/surveyd node --test tests/recipes/node/survey.test.mjs

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';

// The code under test: sends a form to a client, and retries once after a 503, when Retry-After is over.
async function sendSurvey(url, token, clientId, formId) {
  const send = () =>
    fetch(`${url}/api/v1/quality/send`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ clientId: { type: 'internalClientId', id: clientId }, qualityFormId: formId }),
    });
  let response = await send();
  if (response.status === 503) {
    await setTimeout(1000 * Number(response.headers.get('retry-after')));
    response = await send();
  }
  if (!response.ok) throw new Error((await response.json()).message);
}

// The tests run in parallel. Each uses a world: a database of its own, created when a token first names it.
describe('surveys', { concurrency: true }, () => {
  let fake, url;

  // The fake exits when its stdin is closed: by `after`, or because node ended.
  before(async () => {
    const command = ['fake', '--listen', '127.0.0.1:0', '--exit-on-stdin-close'];
    fake = spawn(process.env.SURVEYD ?? 'surveyd', command, { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(fake, 'spawn'); // rejects if there is no such program
    const { value: ready } = await createInterface(fake.stdout)[Symbol.asyncIterator]().next();
    assert.ok(ready, 'the fake did not start; its stderr says why');
    url = ready.split('url=')[1]; // ready url=http://127.0.0.1:41235
  });
  after(() => fake.stdin.end());

  // Calls an admin route in a world.
  async function admin(world, path, body) {
    const headers = { authorization: `Bearer test-admin@${world}`, 'content-type': 'application/json' };
    const request = { method: body ? 'POST' : 'GET', headers, body: JSON.stringify(body) };
    const response = await fetch(`${url}/admin/${path}`, request);
    assert.ok(response.ok, `${path}: ${response.status}`);
    return response.json();
  }

  test('each world has its own sends', async () => {
    await Promise.all([sendSurvey(url, 'test-crm@w1', 1, 1), sendSurvey(url, 'test-crm@w2', 3, 2)]);
    assert.deepEqual((await admin('w1', 'sends')).map((send) => send.clientId), [1]);
    assert.deepEqual((await admin('w2', 'sends')).map((send) => send.clientId), [3]);
  });

  test('a refusal can be explained', async () => {
    await assert.rejects(sendSurvey(url, 'test-crm@refusal', 2, 1), { message: 'Client has open thread' });
    const { rules } = (await admin('refusal', 'attempts?client=2')).at(-1);
    const failed = rules.find((rule) => rule.state === 'failed');
    assert.deepEqual(failed, { rule: 'noOpenThread', state: 'failed', row: '/admin/threads/3' });
  });

  test('a 503 is retried', async () => {
    await admin('retry', 'faults', { times: 1, status: 503, retryAfter: 0 });
    await sendSurvey(url, 'test-crm@retry', 1, 1);
    assert.equal((await admin('retry', 'sends')).length, 1);
  });

  test('a send can be waited for', async () => {
    const waiting = admin('wait', 'sends?wait=5s&count=1');
    await sendSurvey(url, 'test-crm@wait', 1, 1);
    assert.equal((await waiting).length, 1); // it would be 0 after 5 s without a send
  });
});
