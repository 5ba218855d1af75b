// A test suite that uses the fake. Install the package first: npm i -D ./surveyd-0.1.0.tgz
//
//     node --test

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { world } from 'surveyd';

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

// The tests run in parallel. Each uses a world: a database of its own.
describe('surveys', { concurrency: true }, () => {
  test('the client gets the form', async (t) => {
    const edna = await world(t);
    await sendSurvey(edna.url, edna.token, 1, 1);
    assert.equal((await edna.sends())[0].clientId, 1);
  });

  test('each world has its own sends', async (t) => {
    const [one, other] = await Promise.all([world(t), world(t)]);
    await Promise.all([sendSurvey(one.url, one.token, 1, 1), sendSurvey(other.url, other.token, 3, 2)]);
    assert.deepEqual((await one.sends()).map((send) => send.clientId), [1]);
    assert.deepEqual((await other.sends()).map((send) => send.clientId), [3]);
  });

  test('a refusal can be explained', async (t) => {
    const edna = await world(t);
    await assert.rejects(sendSurvey(edna.url, edna.token, 2, 1), { message: 'Client has open thread' });
    const { rules } = (await edna.attempts({ client: 2 })).at(-1);
    const failed = rules.find((rule) => rule.state === 'failed');
    assert.deepEqual(failed, { rule: 'noOpenThread', state: 'failed', row: '/admin/threads/3' });
  });

  test('a 503 is retried', async (t) => {
    const edna = await world(t);
    await edna.fault({ times: 1, status: 503, retryAfter: 0 });
    await sendSurvey(edna.url, edna.token, 1, 1);
    assert.equal((await edna.sends()).length, 1);
  });

  test('a send can be waited for', async (t) => {
    const edna = await world(t);
    const waiting = edna.sends({ wait: '5s', count: 1 });
    await sendSurvey(edna.url, edna.token, 1, 1);
    assert.equal((await waiting).length, 1); // it would be 0 after 5 s without a send
  });
});
