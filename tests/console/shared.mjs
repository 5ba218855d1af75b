// One fake and one browser for all tests of a file. Each file runs in a process of its own.

import { after } from 'node:test';
import { openBrowser, startFake } from './harness.mjs';

export const [fake, browser] = await Promise.all([startFake(), openBrowser()]);
export const { url } = fake;

after(async () => {
  await browser.close();
  await fake.stop();
});
