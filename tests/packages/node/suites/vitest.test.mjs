import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'vitest';
import { world } from 'surveyd';
import { cases } from '../cases.cjs';

describe('a world', { concurrent: true }, () => {
  for (const [name, run] of Object.entries(cases)) test(name, async (t) => run(await world(t)));
});

describe('a world of a hook', () => {
  beforeEach(async (t) => (t.edna = await world(t)));
  test('is that of the next test', async ({ edna }) => assert.deepEqual(await edna.sends(), []));
});
