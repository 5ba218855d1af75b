import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { world } from 'surveyd';
import { cases } from '../cases.cjs';

describe('a world', { concurrency: true }, () => {
  for (const [name, run] of Object.entries(cases)) test(name, async (t) => run(await world(t)));
});

test('a world begins with a document or a file', async (t) => {
  const clients = [{ id: 7, externalId: 'crm-7' }];
  assert.deepEqual((await (await world(t, { world: { clients } })).world()).clients, clients);
  const edna = await world(t, { world: 'world.json' });
  assert.deepEqual((await edna.world()).clients, [{ id: 8, externalId: 'crm-8' }]);
});

describe('a world of a hook', () => {
  let edna;
  beforeEach(async (t) => (edna = await world(t)));
  test('is that of the next test', async () => assert.deepEqual(await edna.sends(), []));
});
