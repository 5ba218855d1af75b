// Fakes with an answers file: one for each file.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { world } from 'surveyd';
import survey from './survey.cjs';

const FILE = 'answers.json';

test('a fake has the answers of a file, and the others have not', async (t) => {
  const [plain, calibrated, again] = await Promise.all([
    world(t),
    world(t, { answers: FILE }),
    world(t, { answers: pathToFileURL(FILE), world: 'world.json' }),
  ]);
  assert.equal(calibrated.url, again.url);
  assert.notEqual(calibrated.url, plain.url);
  assert.deepEqual((await again.world()).clients, [{ id: 8, externalId: 'crm-8' }]);
  const sent = ({ url, token }) => survey.sendSurvey(url, token, 9, 1);
  await assert.rejects(sent(plain), { message: 'Client 9 not found' });
  await assert.rejects(sent(calibrated), { message: 'There is no client 9' });
});
