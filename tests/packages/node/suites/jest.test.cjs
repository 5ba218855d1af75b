const { appendFileSync } = require('node:fs');
const { world } = require('surveyd');
const { cases } = require('../cases.cjs');

for (const [name, run] of Object.entries(cases)) test(name, async () => run(await world()));

// Jest loads the package again for each file. `run` checks that they share a fake.
test('the fake is noted', async () => appendFileSync(process.env.FAKES, `${(await world()).url}\n`));
