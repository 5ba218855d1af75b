// Accessibility: axe checks every view at two widths and in two colour schemes. The console works with the keyboard alone.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { openBrowser, openPage, send, startFake } from './harness.mjs';

const VIEWS = ['sends', 'refusals/2', 'deliveries', 'forms', 'clients', 'threads', 'channels', 'tokens', 'audit', 'compose', 'fake'];

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
  test(`axe finds no serious problem in any view, ${colorScheme} at ${width} px`, async (t) => {
    const page = await openPage(browser, t, fake.url, { colorScheme, viewport: { width, height: 800 }, reducedMotion: 'reduce' });
    await page.getByText('Live', { exact: true }).waitFor();
    // Injected by the debugger, because the Content-Security-Policy of the page forbids other scripts.
    await page.evaluate(axe);
    for (const view of VIEWS) {
      await page.evaluate((hash) => (location.hash = hash), view);
      await page.locator(`main:not([aria-busy])[data-view="${view.split('/')[0]}"]`).waitFor();
      const { violations } = await page.evaluate(() => axe.run(document));
      const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
      const problems = serious.map(({ id, nodes }) => `${view}: ${id}: ${nodes.map(({ html }) => html).join(' ')}`);
      assert.deepEqual(problems, []);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${view} is ${overflow} px too wide`);
    }
  });
}

test('the console works with the keyboard alone', async (t) => {
  const page = await openPage(browser, t, fake.url);
  await page.getByText('Live', { exact: true }).waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to content');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.role ?? document.activeElement.getAttribute('role')), 'switch');
  await page.keyboard.press('Space');
  await page.getByText('Surveys off').waitFor();
  await page.keyboard.press('Space');
  await page.getByText('Surveys on').waitFor();
  // Opening a view moves the focus to its heading.
  await page.getByRole('navigation').getByRole('link', { name: 'Forms' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Forms' }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Forms');
  const checkbox = page.getByRole('checkbox', { name: 'Service quality on Mobile app' });
  await checkbox.focus();
  await page.keyboard.press('Space');
  await page.getByText('is enabled for Mobile app').waitFor();
});
