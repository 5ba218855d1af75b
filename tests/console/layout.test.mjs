// The layout: at four widths no element is wider than the page, no word is broken, and no name in the chart covers another.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { isLive, openHash, openPage } from './harness.mjs';
import { fill, SECTIONS } from './history.mjs';
import { browser, url } from './shared.mjs';

before(async () => {
  await fill(url);
});

/** Runs in the page. The elements that go beyond it, and the words whose letters are on two lines. */
function findProblems() {
  const problems = [];
  const isVisible = (element) => element.checkVisibility() && !element.closest('.hidden, .skip, thead');
  for (const element of document.querySelectorAll('body *')) {
    const { right, left } = element.getBoundingClientRect();
    // What is inside a picture has no box of its own on the page.
    if (isVisible(element) && !element.closest('svg, option') && (right > innerWidth + 0.5 || left < -0.5)) problems.push(`${element.tagName} ${element.className} is ${right} px wide: ${element.textContent.slice(0, 40)}`);
  }
  for (const region of document.querySelectorAll('.scroll')) {
    if (region.scrollWidth > region.clientWidth) problems.push(`${region.ariaLabel} scrolls sideways`);
  }
  const names = [...document.querySelectorAll('svg .tick')].map((name) => [name.getBoundingClientRect(), name.textContent]);
  for (const [index, [{ left }, text]] of names.entries()) {
    if (index > 0 && left < names[index - 1][0].right) problems.push(`“${text}” covers the name before it in the chart`);
  }
  const range = document.createRange();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode;
    // Code and raw text may break anywhere.
    if (!isVisible(node.parentElement) || node.parentElement.closest('pre, code, svg, option')) continue;
    for (const { 0: word, index } of node.data.matchAll(/[\p{L}\p{N}]+/gu)) {
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
      if (lines.size > 1) problems.push(`“${word}” is broken in “${node.parentElement.textContent.slice(0, 60)}”`);
    }
  }
  return problems;
}

for (const width of [360, 800, 1024, 1440]) {
  test(`no element is wider than the page and no word is broken at ${width} px`, async (t) => {
    const page = await openPage(browser, t, url, { viewport: { width, height: 900 }, timezoneId: 'America/Argentina/Buenos_Aires' });
    await isLive(page);
    const problems = [];
    for (const section of SECTIONS) {
      await openHash(page, section);
      // Names come after their ids.
      await page.waitForFunction(() => !document.querySelector('[aria-busy]'));
      problems.push(...(await page.evaluate(findProblems)).map((problem) => `${section}: ${problem}`));
    }
    assert.deepEqual(problems, []);
    // The navigation is in sight, whole.
    const links = page.getByRole('navigation').getByRole('listitem').getByRole('link');
    for (const link of await links.all()) {
      const box = await link.boundingBox();
      assert.ok(box.y + box.height < 900 && box.x + box.width <= width, await link.innerText());
    }
  });
}
