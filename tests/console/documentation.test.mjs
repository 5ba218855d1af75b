// The documentation page: its search, a request next to its answer, and its layout.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { openPage } from './harness.mjs';
import { browser, fake } from './shared.mjs';

test('the search shows the operations that have every word', async (t) => {
  const page = await openPage(browser, t, fake.url, { hash: 'docs' });
  await page.getByText('surveyd 0.').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('rotate overlap');
  const links = page.getByRole('navigation').getByRole('listitem');
  await page.waitForFunction(() => [...document.querySelectorAll('nav li')].filter((item) => item.checkVisibility()).length < 5);
  const found = (await links.allInnerTexts()).filter(Boolean);
  assert.ok(found.includes('POST /admin/channels/{id}/rotate') && found.includes('POST /admin/tokens/{id}/rotate'), found.join());
  await page.getByRole('searchbox').fill('xyzzy');
  await page.getByText('No operation has “xyzzy”.').waitFor();
  await page.getByRole('searchbox').fill('');
  await page.getByRole('link', { name: 'GET /admin/sends', exact: true }).click();
  assert.equal(new URL(page.url()).hash, '#listSends');
});

for (const width of [360, 800, 1024, 1440]) {
  test(`the documentation is not wider than the page, and has no serious problem for axe, at ${width} px`, async (t) => {
    const page = await openPage(browser, t, fake.url, { hash: 'docs', viewport: { width, height: 900 } });
    await page.getByRole('searchbox').waitFor();
    const [request, answer] = await page.locator('#listClients .pair > div').all();
    const [left, right] = [await request.boundingBox(), await answer.boundingBox()];
    assert.equal(right.x > left.x, width >= 800, 'a request and its answer are side by side');
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${overflow} px too wide`);
    await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
    const { violations } = await page.evaluate(() => axe.run(document));
    assert.deepEqual(violations.filter(({ impact }) => ['serious', 'critical'].includes(impact)).map(({ id }) => id), []);
  });
}
