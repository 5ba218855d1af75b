// Who cannot see it, or does not use a mouse: axe on every section, at both widths and in both schemes; and the keyboard.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { look, openBrowser, send, startFake } from './harness.mjs';

const SECTIONS = ['sends', 'refusals/2', 'deliveries', 'forms', 'clients', 'threads', 'channels', 'tokens', 'audit', 'compose', 'fake'];

let fake, browser, axe;

before(async () => {
  [fake, browser] = await Promise.all([startFake(), openBrowser()]);
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  for (const client of [1, 1, 2, 3]) await send(fake.url, 'test-crm', client);
});

after(async () => {
  await browser?.close();
  await fake?.stop();
});

for (const [colorScheme, width] of [['light', 1440], ['dark', 1440], ['light', 360], ['dark', 360]]) {
  test(`axe finds nothing serious, ${colorScheme} at ${width} px`, async (t) => {
    const page = await look(browser, t, fake.url, { colorScheme, viewport: { width, height: 800 }, reducedMotion: 'reduce' });
    await page.getByText('Live', { exact: true }).waitFor();
    // By the debugger, which the policy of the page does not bind.
    await page.evaluate(axe);
    for (const section of SECTIONS) {
      await page.evaluate((hash) => (location.hash = hash), section);
      await page.locator(`main:not([aria-busy])[data-view="${section.split('/')[0]}"]`).waitFor();
      const { violations } = await page.evaluate(() => axe.run(document));
      const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
      const told = serious.map(({ id, nodes }) => `${section}: ${id}: ${nodes.map(({ html }) => html).join(' ')}`);
      assert.deepEqual(told, []);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${section} is ${overflow} px too wide`);
    }
  });
}

test('it can be used by the keyboard alone', async (t) => {
  const page = await look(browser, t, fake.url);
  await page.getByText('Live', { exact: true }).waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to content');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.role ?? document.activeElement.getAttribute('role')), 'switch');
  await page.keyboard.press('Space');
  await page.getByText('Surveys off').waitFor();
  await page.keyboard.press('Space');
  await page.getByText('Surveys on').waitFor();
  // A section that is opened is read from its heading on.
  await page.getByRole('navigation').getByRole('link', { name: 'Forms' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Forms' }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Forms');
  const box = page.getByRole('checkbox', { name: 'Service quality on Mobile app' });
  await box.focus();
  await page.keyboard.press('Space');
  await page.getByText('is enabled for Mobile app').waitFor();
});
