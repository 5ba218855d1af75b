// Not run: the types that a test suite sees.

import { test as nodeTest } from 'node:test';
import { test as vitestTest } from 'vitest';
import { world, type Send, type World } from 'surveyd';

nodeTest('node:test', async (t) => {
  const edna: World = await world(t, { world: 'world.json', answers: 'answers.json' });
  const sends: Send[] = await edna.sends({ wait: '5s', count: 1 });
  const name: string | null | undefined = sends[0]?.clientExternalId;
  await edna.fault({ times: 1, status: 503, retryAfter: 0 });
  const { ticking }: { ticking: boolean } = await edna.clock({ advance: 'PT2H' });
  const failed = (await edna.attempts())[0]?.rules.filter((rule) => rule.state === 'failed').map((rule) => rule.row);
  console.log(name, ticking, failed);

  // @ts-expect-error: no such field
  await edna.sends({ clients: 1 });
  // @ts-expect-error: no such kind
  await edna.put('client', 1, {});
  // @ts-expect-error: `url` is read-only
  edna.url = '';
});

vitestTest('Vitest', async (t) => console.log((await world(t)).token));

// @ts-expect-error: a name is not the context of a test
await world('a name');
