// Accessibility: axe checks every section at two widths and in two colour schemes. The console works with the keyboard alone.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { before, test } from 'node:test';
import { isLive, openHash, openPage, openWorld } from './harness.mjs';
import { fill, SECTIONS } from './history.mjs';
import { browser, fake } from './shared.mjs';

let axe;

before(async () => {
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await fill(fake.url);
});

for (const [colorScheme, width] of [['light', 1440], ['dark', 1440], ['light', 360], ['dark', 360]]) {
  test(`axe finds no serious problem in any section, ${colorScheme} at ${width} px`, async (t) => {
    const page = await openPage(browser, t, fake.url, { colorScheme, viewport: { width, height: 800 }, reducedMotion: 'reduce' });
    await isLive(page);
    // Injected by the debugger, because the Content-Security-Policy of the page forbids other scripts.
    await page.evaluate(axe);
    for (const section of SECTIONS) {
      await openHash(page, section);
      const { violations } = await page.evaluate(() => axe.run(document));
      const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
      const problems = serious.map(({ id, nodes }) => `${section}: ${id}: ${nodes.map(({ html }) => html).join(' ')}`);
      assert.deepEqual(problems, []);
    }
  });
}

test('the console works with the keyboard alone', async (t) => {
  const page = await openWorld(browser, t, fake.url, 'keyboard');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to content');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'switch');
  await page.keyboard.press('Space');
  await page.getByText('Surveys off').waitFor();
  await page.keyboard.press('Space');
  await page.getByText('Surveys on').waitFor();
  // Opening a section moves the focus to its heading.
  await page.getByRole('navigation').getByRole('link', { name: 'Forms' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Forms' }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Forms');
  const checkbox = page.getByRole('checkbox', { name: 'Service quality on Mobile app' });
  await checkbox.focus();
  await page.keyboard.press('Space');
  await page.getByText('is enabled for Mobile app').waitFor();
});
