// A chart of what was sent and refused, as the server has counted it.

import { query, request } from './api.js';
import { readAddress, writeFilters } from './address.js';
import { now, onClockSet, zoneOffset } from './clock.js';
import { button } from './controls.js';
import { count, formatNumber, h, svg } from './dom.js';
import { on, throttle } from './live.js';
import { failure } from './notice.js';
import { dayText, minuteText } from './time.js';

const MINUTE_MS = 60_000;

/** The name in the address: the label, the unit and its length, how many there are, and how often one is named below. */
const RANGES = {
  hour: ['Last hour', 'minute', MINUTE_MS, 60, 10],
  day: ['Last day', 'hour', 60 * MINUTE_MS, 24, 4],
  month: ['Last 30 days', 'day', 1440 * MINUTE_MS, 30, 5],
};
const HEIGHT = 120;
const LEFT = 40;
const BOTTOM = 18;
const LEAST_BETWEEN_NAMES = 56;

/** The starts of the bars, in the reader's zone; the last one contains the present. */
function startsOf([, , length, amount]) {
  const shift = -new Date(now()).getTimezoneOffset() * MINUTE_MS;
  const last = Math.floor((now() + shift) / length) * length - shift;
  return Array.from({ length: amount }, (_, index) => last - (amount - 1 - index) * length);
}

/** The smallest of 1, 2, 5, 10, 20, … from which three lines up to the highest bar have whole numbers. */
function topOf(highest) {
  for (let step = 1; ; step *= 10) {
    for (const factor of [1, 2, 5]) if (2 * step * factor >= highest) return 2 * step * factor;
  }
}

const sum = (numbers) => numbers.reduce((total, number) => total + Number(number), 0);

function startText(start, unit) {
  const date = new Date(start);
  return unit === 'day' ? dayText(date).slice(5) : minuteText(date);
}

/** Draws the bars into a picture of a width in pixels. */
function draw(picture, bars, [, unit, , amount, every], width) {
  const top = topOf(Math.max(...bars.map(({ sent, refused }) => sent + refused)));
  const step = (width - LEFT) / amount;
  const yOf = (value) => 6 + (HEIGHT - 6) * (1 - value / top);
  const lines = [0, top / 2, top].flatMap((value) => [
    svg('line', { x1: LEFT, x2: width, y1: yOf(value), y2: yOf(value), class: 'gridline' }),
    svg('text', { x: LEFT - 6, y: yOf(value) + 4, class: 'count' }, formatNumber(value)),
  ]);
  const columns = bars.map(({ start, sent, refused }, index) => {
    const x = LEFT + index * step;
    const bar = (value, below, kind) => svg('rect', { class: kind, x: x + step * 0.12, width: step * 0.76, y: yOf(below + value), height: yOf(below) - yOf(below + value) });
    const day = unit === 'day' ? '' : `${dayText(new Date(start))} `;
    return svg('g', {}, svg('title', {}, `${day}${startText(start, unit)}: ${formatNumber(sent)} sent, ${formatNumber(refused)} refused`),
      svg('rect', { class: 'area', x, width: step, y: 0, height: HEIGHT }), bar(sent, 0, 'sent'), bar(refused, sent, 'refused'));
  });
  // Counted from the end, so that the present is named. On a narrow page fewer are named.
  const spacing = every * Math.ceil(LEAST_BETWEEN_NAMES / (every * step));
  const named = bars.map(({ start }, index) => [start, index]).filter(([, index]) => (amount - 1 - index) % spacing === 0);
  const times = named.map(([start, index]) => svg('text', { x: Math.min(LEFT + (index + 0.5) * step, width - 18), y: HEIGHT + BOTTOM - 4, class: 'tick' }, startText(start, unit)));
  picture.setAttribute('viewBox', `0 0 ${width} ${HEIGHT + BOTTOM}`);
  picture.replaceChildren(...lines, ...columns, ...times);
}

/** The rules that refused, the most frequent first. */
function rulesText(rows) {
  const byRule = new Map();
  for (const { refused } of rows) for (const [rule, amount] of Object.entries(refused)) byRule.set(rule, (byRule.get(rule) ?? 0) + Number(amount));
  return [...byRule].sort(([, one], [, other]) => other - one).map(([rule, amount]) => `${formatNumber(amount)} ${rule}`).join(', ');
}

export function chart() {
  let name = RANGES[readAddress().filters.chart] ? readAddress().filters.chart : 'hour';
  let bars = [];
  const picture = svg('svg', { role: 'img', height: HEIGHT + BOTTOM });
  const caption = h('figcaption', {});
  const title = h('h3', {});
  const redraw = () => {
    if (bars.length && picture.clientWidth) draw(picture, bars, RANGES[name], picture.clientWidth);
  };
  const load = async () => {
    const range = RANGES[name];
    const starts = startsOf(range);
    const iso = (ms) => new Date(ms).toISOString();
    const answer = await request('GET', query('/admin/stats', { from: iso(starts[0]), to: iso(starts.at(-1) + range[2]), by: range[1], zone: zoneOffset(new Date(now())) }));
    if (range !== RANGES[name]) return;
    const byStart = Map.groupBy(answer.rows, ({ start }) => Date.parse(start));
    bars = starts.map((start) => {
      const rows = byStart.get(start) ?? [];
      return { start, sent: sum(rows.map(({ sent }) => sent)), refused: sum(rows.flatMap(({ refused }) => Object.values(refused))) };
    });
    const [sent, refused] = [sum(bars.map((bar) => bar.sent)), sum(bars.map((bar) => bar.refused))];
    title.textContent = `Surveys sent and refused, by ${range[1]}`;
    picture.setAttribute('aria-label', `${range[0]}: ${formatNumber(sent)} sent, ${formatNumber(refused)} refused`);
    const rules = rulesText(answer.rows);
    caption.replaceChildren(h('span', { class: 'key sent' }, `${formatNumber(sent)} sent`), h('span', { class: 'key refused' }, `${formatNumber(refused)} refused${rules ? `: ${rules}` : ''}`));
    body.replaceChildren(picture, caption);
    redraw();
  };
  const body = h('div', {});
  const start = () => load().catch((error) => body.replaceChildren(failure('The counts', error, start)));
  const choices = Object.entries(RANGES).map(([key, [label]]) => button(label, () => {
    name = key;
    writeFilters({ chart: key === 'hour' ? '' : key });
    mark();
    return start();
  }, { 'data-range': key }));
  const mark = () => choices.forEach((choice) => choice.setAttribute('aria-pressed', String(choice.dataset.range === name)));
  mark();
  const refresh = throttle(2000, start);
  const observer = new ResizeObserver(redraw);
  observer.observe(body);
  const timer = setInterval(start, 30_000);
  const unsubscribe = ['sends', 'refusals', 'resync'].map((event) => on(event, refresh));
  unsubscribe.push(onClockSet(refresh));
  return {
    element: h('figure', { class: 'chart' }, h('div', { class: 'heading' }, title, h('div', { class: 'choices', role: 'group', 'aria-label': 'Period' }, choices)), body),
    start,
    stop: () => {
      clearInterval(timer);
      observer.disconnect();
      unsubscribe.forEach((off) => off());
    },
  };
}
