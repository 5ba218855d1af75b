import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { world } from 'surveyd';

test('an ES module has a world, too', async () => {
  const edna = await world();
  assert.deepEqual(await edna.sends(), []);
  appendFileSync(process.env.FAKES, `${edna.url}\n`);
});
