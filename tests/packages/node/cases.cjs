// What a world can do: the same tests for each runner, each in a world of its own. CommonJS, because Jest loads it.

const assert = require('node:assert/strict');
const path = require('node:path');
const { sendSurvey } = require('./survey.cjs');

const DOCUMENT = {
  settings: { surveysViaExternalApi: true },
  channels: [{ id: 1, name: 'Web', type: 'WEB' }],
  clients: [{ id: 7, externalId: 'crm-7', name: 'Grace' }],
  threads: [],
  forms: [],
};

const cases = {
  'the client gets the form': async (edna) => {
    await sendSurvey(edna.url, edna.token, 1, 1);
    const [{ sentAt, ...send }, ...others] = await edna.sends();
    assert.deepEqual(send, {
      sendingId: 1, qualityFormId: 1, threadId: 1, clientId: 1, clientExternalId: 'crm-1', token: 'test-crm',
      delivery: 'recorded',
    });
    assert.match(sentAt, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.deepEqual(others, []);
  },
  'sends of another world are not seen': async (edna) => {
    assert.deepEqual(await edna.sends(), []);
  },
  'a send can be waited for': async (edna) => {
    const waiting = edna.sends({ wait: '30s', count: 1, client: 3 });
    await sendSurvey(edna.url, edna.token, 1, 1);
    await sendSurvey(edna.url, edna.token, 3, 2);
    assert.deepEqual((await waiting).map((send) => send.clientId), [3]);
    assert.deepEqual((await edna.sends({ after: 1 })).map((send) => send.clientId), [3]);
  },
  'a refusal is explained': async (edna) => {
    await assert.rejects(sendSurvey(edna.url, edna.token, 2, 1), { message: 'Client has open thread' });
    const [{ rules }] = await edna.attempts({ status: 409, client: 2 });
    const failed = rules.find((rule) => rule.state === 'failed');
    assert.deepEqual(failed, { rule: 'noOpenThread', state: 'failed', row: '/admin/threads/3' });
    assert.equal((await edna.admin('GET', failed.row)).status, 'ASSIGNED');
    assert.match(await edna.report(), /^POST \/api\/v1\/quality\/send -> 409 Client has open thread\n/);
    assert.deepEqual(await edna.attempts({ status: 200 }), []);
  },
  'each user has a token': async (edna) => {
    assert.equal(edna.token, `test-crm@${edna.name}`);
    await assert.rejects(sendSurvey(edna.url, edna.tokenOf('expired'), 1, 1), { message: 'Token is expired' });
    await assert.rejects(sendSurvey(edna.url, edna.tokenOf('wrongrole'), 1, 1), { message: /^Role BOT/ });
    await sendSurvey(edna.url, edna.tokenOf('shop'), 1, 1);
    assert.equal((await edna.sends())[0].token, 'test-shop');
  },
  'a fault fails one call': async (edna) => {
    await edna.fault({ times: 1, status: 503, retryAfter: 0 });
    await sendSurvey(edna.url, edna.token, 1, 1);
    assert.deepEqual((await edna.attempts()).map((attempt) => attempt.status), [503, 200]);
    await edna.admin('DELETE', 'faults');
    assert.deepEqual(await edna.admin('GET', 'faults'), []);
  },
  'the settings change': async (edna) => {
    assert.deepEqual(await edna.settings(), { surveysViaExternalApi: true });
    assert.deepEqual(await edna.settings({ surveysViaExternalApi: false }), { surveysViaExternalApi: false });
    const message = 'Sending surveys via external api is disabled';
    await assert.rejects(sendSurvey(edna.url, edna.token, 1, 1), { message });
  },
  'the clock is set': async (edna) => {
    await edna.clock({ now: '2100-01-01T00:00:00Z' });
    await edna.clock({ advance: 'PT2H' });
    assert.deepEqual(await edna.clock(), { now: '2100-01-01T02:00:00.000Z', real: false, ticking: false });
    await sendSurvey(edna.url, edna.token, 1, 1);
    assert.equal((await edna.sends())[0].sentAt, '2100-01-01T02:00:00.000Z');
  },
  'rows are put': async (edna) => {
    const row = { externalId: 'crm-7', name: 'Grace' };
    assert.deepEqual(await edna.put('clients', 7, row), { id: 7, ...row });
    await assert.rejects(sendSurvey(edna.url, edna.token, 7, 1), { message: 'Client has no closed thread' });
    const closed = { startTime: '2026-03-01T10:00:00Z', stateChangeTime: '2026-03-01T10:15:00Z' };
    await edna.put('threads', 7, { clientId: 7, channel: 1, status: 'CLOSED', ...closed });
    await sendSurvey(edna.url, edna.token, 7, 1);
  },
  'the contents are read and replaced': async (edna) => {
    assert.equal((await edna.world()).clients.length, 4);
    assert.deepEqual(await edna.world(DOCUMENT), DOCUMENT);
    assert.deepEqual(await edna.world(), DOCUMENT);
    const { clients } = await edna.world(path.join(__dirname, 'world.json'));
    assert.deepEqual(clients, [{ id: 8, externalId: 'crm-8' }]);
  },
  'a refused call has the message of the fake': async (edna) => {
    await assert.rejects(edna.admin('GET', 'clients/9'), { message: 'GET /admin/clients/9: 404 Client 9 not found' });
    await assert.rejects(edna.put('threads', 7, { clientId: 9 }), { message: /^PUT \/admin\/threads\/7: 400 / });
    await assert.rejects(edna.world({ threads: [{}] }), { message: /^PUT \/admin\/world: 400 threads\[0\]/ });
  },
  'a dropped world begins again': async (edna) => {
    await sendSurvey(edna.url, edna.token, 1, 1);
    await edna.drop();
    assert.deepEqual(await edna.sends(), []);
  },
};

module.exports = { cases };
