// The sends, live.

import { query } from './api.js';
import { chart } from './chart.js';
import { badge, button, field, form, formatNumber, h, time } from './dom.js';
import { List, PAGE } from './list.js';
import { on, throttle } from './live.js';

export function deliveryBadge(state) {
  return badge(state, { delivered: 'success', dead: 'failure', pending: 'pending' }[state] ?? '');
}

/** A link from a client to its refusals. */
export function clientLink(client) {
  return client === null ? '–' : h('a', { href: `#refusals/${client}` }, client);
}

export function sends(page) {
  let filter = {};
  let isPaused = false;
  let missed = 0;
  const list = new List({
    label: 'Sends, newest first',
    key: 'sendingId',
    path: (before = 'end') => query('/admin/sends', { before, limit: PAGE, ...filter }),
    emptyText: page.noSendsText,
    columns: [
      ['Send', (sent) => `#${sent.sendingId}`],
      ['Time', (sent) => time(sent.sentAt)],
      ['Client', (sent) => clientLink(sent.clientId)],
      ['Thread', (sent) => sent.threadId],
      ['Form', (sent) => sent.qualityFormId],
      ['Token', (sent) => sent.token],
      ['Delivery', (sent) => deliveryBadge(sent.delivery)],
    ],
  });
  const matches = (sent) =>
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
  // The state of a pending delivery changes later. The shown states are refreshed at most once a second.
  const refreshPending = throttle(1000, () => {
    const hasPending = [...list.rows.values()].some(({ row }) => row.delivery === 'pending');
    if (!isPaused && hasPending) list.refresh().catch(() => {});
  });
  const unsubscribe = [
    on('resync', () => list.reload().catch(() => {})),
    on('sends', ({ count, rows }) => {
      if (!isPaused) return list.prepend(rows.filter(matches));
      missed += count;
      pause.textContent = `Resume (${formatNumber(missed)} new)`;
    }),
    // No event reports a delivery that ended after the list was read and before the stream caught up.
    on('caughtUp', refreshPending),
    on('committed', refreshPending),
  ];
  const number = (name, label) => field(label, h('input', { name, inputmode: 'numeric', pattern: '-?[0-9]{1,19}', size: 8 }));
  const filters = form(
    (data) => {
      filter = data;
      return list.reload();
    },
    { latestWins: true, class: 'bar', 'aria-label': 'Filter', onchange: () => filters.requestSubmit() },
    number('client', 'Client'),
    number('thread', 'Thread'),
    number('form', 'Form'),
    h('button', {}, 'Filter'),
    pause,
  );
  return {
    element: h('div', {}, chart(), filters, list.element),
    start: () => list.reload(),
    stop: () => unsubscribe.forEach((off) => off()),
  };
}
