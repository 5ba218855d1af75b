// Sends and refusals of the last ten minutes, a bar for each ten seconds.

import { figure, h, svg } from './dom.js';
import { on } from './live.js';

const BARS = 60;
const WIDTH_MS = 10_000;
const [WIDTH, HEIGHT] = [600, 64];

const counts = { sends: new Map(), refusals: new Map() };
let frame;
let changed = () => {};

function count(kind, ms, many) {
  const bar = Math.floor(ms / WIDTH_MS);
  counts[kind].set(bar, (counts[kind].get(bar) ?? 0) + many);
  for (const old of counts[kind].keys()) if (old < bar - BARS) counts[kind].delete(old);
  draw();
}

/** Once a frame at the most, and not at once: the list should not wait for it. */
function draw() {
  frame ??= requestAnimationFrame(() => {
    frame = undefined;
    changed();
  });
}

let isFirst = false;
on('connected', () => {
  isFirst = true;
  counts.sends.clear();
  counts.refusals.clear();
});
on('told', () => (isFirst = false));
for (const [kind, at] of [['sends', 'sentAt'], ['refusals', 'at']]) {
  on(kind, (batch) => {
    const now = Date.now();
    // What was there before is told by its own time, what comes in by ours: the clock of a fake may stand anywhere.
    if (isFirst) batch.rows.forEach((row) => count(kind, Date.parse(row[at]), 1));
    else count(kind, now, batch.count);
  });
}

/** The chart; it is drawn anew as long as it is in the document. */
export function chart() {
  const bars = svg('g', {});
  const words = h('figcaption', {});
  const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', preserveAspectRatio: 'none' }, bars);
  changed = () => {
    const newest = Math.floor(Date.now() / WIDTH_MS);
    const columns = Array.from({ length: BARS }, (_, index) => {
      const bar = newest - BARS + 1 + index;
      return [counts.sends.get(bar) ?? 0, counts.refusals.get(bar) ?? 0];
    });
    const sum = (which) => columns.reduce((total, column) => total + column[which], 0);
    const tallest = Math.max(...columns.map(([sent, refused]) => sent + refused));
    const most = Math.max(4, tallest);
    const step = WIDTH / BARS;
    bars.replaceChildren(
      ...columns.flatMap(([sent, refused], index) => {
        const tall = (many) => (many ? Math.max(2, (many / most) * HEIGHT) : 0);
        const bar = (many, below, kind) =>
          svg('rect', { class: kind, x: index * step + 1, width: step - 2, y: HEIGHT - below - tall(many), height: tall(many) });
        return [sent && bar(sent, 0, 'sent'), refused && bar(refused, tall(sent), 'refused')].filter(Boolean);
      }),
    );
    const said = [`${figure(sum(0))} sent`, `${figure(sum(1))} refused`];
    picture.setAttribute('aria-label', `The last ten minutes: ${said.join(', ')}`);
    words.replaceChildren(
      h('span', { class: 'key sent' }, said[0]),
      h('span', { class: 'key refused' }, said[1]),
      h('span', {}, `last 10 min · tallest bar ${figure(tallest)} in 10 s`),
    );
  };
  draw();
  const timer = setInterval(() => (picture.isConnected ? changed() : clearInterval(timer)), WIDTH_MS / 2);
  return h('figure', { class: 'chart' }, picture, words);
}
