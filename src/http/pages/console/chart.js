// A chart of the sends and refusals of the last ten minutes, with a bar for each ten seconds.

import { formatNumber, h, svg } from './dom.js';
import { on } from './live.js';

const BARS = 60;
const BAR_MS = 10_000;
const [WIDTH, HEIGHT] = [600, 64];

const counts = { sends: new Map(), refusals: new Map() };
let frame;
let redraw = () => {};

function count(kind, ms, amount) {
  const bar = Math.floor(ms / BAR_MS);
  counts[kind].set(bar, (counts[kind].get(bar) ?? 0) + amount);
  for (const old of counts[kind].keys()) if (old < bar - BARS) counts[kind].delete(old);
  scheduleRedraw();
}

/** At most once a frame, and not synchronously, so that the list does not wait for the chart. */
function scheduleRedraw() {
  frame ??= requestAnimationFrame(() => {
    frame = undefined;
    redraw();
  });
}

let isHistory = false;
on('connected', () => {
  isHistory = true;
  counts.sends.clear();
  counts.refusals.clear();
});
on('caughtUp', () => (isHistory = false));
for (const [kind, timeKey] of [['sends', 'sentAt'], ['refusals', 'at']]) {
  on(kind, (batch) => {
    const now = Date.now();
    // Earlier rows are counted at their own time. New rows are counted now, because the clock of a fake may be set to any time.
    if (isHistory) batch.rows.forEach((row) => count(kind, Date.parse(row[timeKey]), 1));
    else count(kind, now, batch.count);
  });
}

/** The chart redraws itself as long as it is in the document. */
export function chart() {
  const bars = svg('g', {});
  const caption = h('figcaption', {});
  const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', preserveAspectRatio: 'none' }, bars);
  redraw = () => {
    const newest = Math.floor(Date.now() / BAR_MS);
    const columns = Array.from({ length: BARS }, (_, index) => {
      const bar = newest - BARS + 1 + index;
      return [counts.sends.get(bar) ?? 0, counts.refusals.get(bar) ?? 0];
    });
    const sum = (which) => columns.reduce((total, column) => total + column[which], 0);
    const highest = Math.max(...columns.map(([sent, refused]) => sent + refused));
    const scale = Math.max(4, highest);
    const step = WIDTH / BARS;
    bars.replaceChildren(
      ...columns.flatMap(([sent, refused], index) => {
        const heightOf = (amount) => (amount ? Math.max(2, (amount / scale) * HEIGHT) : 0);
        const bar = (amount, below, kind) =>
          svg('rect', { class: kind, x: index * step + 1, width: step - 2, y: HEIGHT - below - heightOf(amount), height: heightOf(amount) });
        return [sent && bar(sent, 0, 'sent'), refused && bar(refused, heightOf(sent), 'refused')].filter(Boolean);
      }),
    );
    const totals = [`${formatNumber(sum(0))} sent`, `${formatNumber(sum(1))} refused`];
    picture.setAttribute('aria-label', `Last ten minutes: ${totals.join(', ')}`);
    caption.replaceChildren(
      h('span', { class: 'key sent' }, totals[0]),
      h('span', { class: 'key refused' }, totals[1]),
      h('span', {}, `last 10 min · highest bar: ${formatNumber(highest)} in 10 s`),
    );
  };
  scheduleRedraw();
  const timer = setInterval(() => (picture.isConnected ? redraw() : clearInterval(timer)), BAR_MS / 2);
  return h('figure', { class: 'chart' }, picture, caption);
}
