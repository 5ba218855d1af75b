// What was sent, as it is sent.

import { query } from './api.js';
import { chart } from './chart.js';
import { badge, button, field, figure, form, h, time } from './dom.js';
import { List, PAGE } from './list.js';
import { atMost, on } from './live.js';

/** How a delivery stands, as a badge. */
export function state(delivery) {
  return badge(delivery, { delivered: 'good', dead: 'bad', pending: 'wait' }[delivery] ?? '');
}

/** A link to why this client gets a survey, or none. */
export function why(client) {
  return client === null ? '–' : h('a', { href: `#refusals/${client}` }, client);
}

/** The view. */
export function sends(hints) {
  let filter = {};
  let isPaused = false;
  let missed = 0;
  const list = new List({
    label: 'Sends, the newest first',
    key: 'sendingId',
    path: (before = 'end') => query('/admin/sends', { before, limit: PAGE, ...filter }),
    nothing: hints.nothingSent,
    columns: [
      ['Send', (sent) => `#${sent.sendingId}`],
      ['Time', (sent) => time(sent.sentAt)],
      ['Client', (sent) => why(sent.clientId)],
      ['Thread', (sent) => sent.threadId],
      ['Form', (sent) => sent.qualityFormId],
      ['Token', (sent) => sent.token],
      ['Delivery', (sent) => state(sent.delivery)],
    ],
  });
  const fits = (sent) =>
    [['client', 'clientId'], ['thread', 'threadId'], ['form', 'qualityFormId']].every(
      ([name, key]) => !filter[name] || filter[name] === String(sent[key]),
    );
  const pause = button('Pause', () => {
    isPaused = !isPaused;
    pause.setAttribute('aria-pressed', String(isPaused));
    if (!isPaused) {
      missed = 0;
      pause.textContent = 'Pause';
      return list.reload();
    }
    pause.textContent = 'Resume';
  }, { 'aria-pressed': 'false' });
  // A pending delivery does not stay so: the states in sight are brought up to date, but not more than once a second.
  const settle = atMost(1000, () => {
    const isPending = [...list.rows.values()].some(({ row }) => row.delivery === 'pending');
    if (!isPaused && isPending) list.refresh().catch(() => {});
  });
  const ends = [
    on('begin', () => list.reload().catch(() => {})),
    on('sends', ({ count, rows }) => {
      if (!isPaused) return list.prepend(rows.filter(fits));
      missed += count;
      pause.textContent = `Resume, ${figure(missed)} more`;
    }),
    // What became of a delivery between the list and this is told by nobody.
    on('told', settle),
    on('committed', settle),
  ];
  const number = (name, words) => field(words, h('input', { name, inputmode: 'numeric', pattern: '-?[0-9]{1,19}', size: 8 }));
  const filters = form(
    (data) => {
      filter = data;
      return list.reload();
    },
    { isQuestion: true, class: 'bar', 'aria-label': 'Filter', onchange: () => filters.requestSubmit() },
    number('client', 'Client'),
    number('thread', 'Thread'),
    number('form', 'Form'),
    h('button', {}, 'Filter'),
    pause,
  );
  return {
    element: h('div', {}, chart(), filters, list.element),
    begin: () => list.reload(),
    end: () => ends.forEach((end) => end()),
  };
}
