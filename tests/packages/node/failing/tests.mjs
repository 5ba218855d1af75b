// Two tests that fail, and one that passes.

import assert from 'node:assert/strict';
import { world } from 'surveyd';
import { sendSurvey } from '../survey.cjs';

export function defineTests(test) {
  test('refused', async (t) => {
    const edna = await world(t);
    await sendSurvey(edna.url, edna.token, 1, 1);
    await assert.rejects(sendSurvey(edna.url, edna.token, 3, 1));
    await sendSurvey(edna.url, edna.token, 2, 1);
  });
  test('without its token', async (t) => {
    const edna = await world(t);
    await sendSurvey(edna.url, 'test-crm', 2, 1);
  });
  test('passes', async (t) => {
    const edna = await world(t);
    await sendSurvey(edna.url, edna.token, 1, 1);
  });
}
