// The sends, live.

import { query } from './api.js';
import { chart } from './chart.js';
import { button } from './controls.js';
import { deliveryBadge, formatNumber, h } from './dom.js';
import { Filters, ID } from './filters.js';
import { List, PAGE } from './list.js';
import { on, throttle } from './live.js';
import { link, sendLink, tokenLink } from './names.js';
import { serverInfo } from './session.js';
import { time } from './time.js';

/** A list of sends, newest first. `values` returns the filter. */
export function sendList(values, emptyText, pageSize = PAGE) {
  return new List({
    label: 'Sends, newest first',
    key: 'sendingId',
    pageSize,
    path: (before = 'end') => query('/admin/sends', { before, limit: pageSize, ...values() }),
    emptyText,
    columns: [
      ['Send', (sent) => sendLink(sent.sendingId), 'short'],
      ['Sent', (sent) => time(sent.sentAt), 'short'],
      ['Client', (sent) => link('clients', sent.clientId, sent.clientExternalId ?? ''), 'named'],
      ['Thread', (sent) => link('threads', sent.threadId), 'short'],
      ['Form', (sent) => link('forms', sent.qualityFormId), 'named'],
      ['Token', (sent) => tokenLink(sent.token)],
      ['Delivery', (sent) => deliveryBadge(sent.delivery), 'short'],
    ],
  });
}

function noSendsText() {
  if (serverInfo.fake) return ['No sends yet. ', h('a', { href: '#compose' }, 'Try a send'), ', or let your program send with the token test-crm.'];
  return ['No sends yet. Turn surveys on, create a ', h('a', { href: '#tokens' }, 'token'), ' of role INTEGRATOR, and send with it. New sends appear here without a reload.'];
}

export function sends({ filters: values }) {
  let isPaused = false;
  let missed = 0;
  const pause = button('Pause', () => {
    isPaused = !isPaused;
    pause.setAttribute('aria-pressed', String(isPaused));
    pause.textContent = isPaused ? 'Resume' : 'Pause';
    missed = 0;
    return isPaused ? null : list.reload();
  }, { 'aria-pressed': 'false', title: 'Stops the list, so that it does not move while you read it' });
  const filters = new Filters([['client', 'Client', ID], ['thread', 'Thread', ID], ['form', 'Form', ID]], values, () => list.reload(), pause);
  const list = sendList(() => filters.values, () => (filters.isEmpty ? noSendsText() : filters.nothing('sends')));
  const matches = (sent) =>
    [['client', 'clientId'], ['thread', 'threadId'], ['form', 'qualityFormId']].every(
      ([name, key]) => !filters.values[name] || filters.values[name] === String(sent[key]),
    );
  // The state of a pending delivery changes later. The shown states are refreshed at most once a second.
  const refreshPending = throttle(1000, () => {
    const hasPending = [...list.rows.values()].some(({ row }) => row.delivery === 'pending');
    if (!isPaused && hasPending) list.refresh();
  });
  const unsubscribe = [
    on('resync', () => list.reload()),
    on('sends', ({ count, rows }) => {
      if (!isPaused) return list.prepend(rows.filter(matches));
      missed += count;
      pause.textContent = `Resume (${formatNumber(missed)} new)`;
    }),
    // No event reports a delivery that ended after the list was read and before the stream caught up.
    on('caughtUp', refreshPending),
    on('committed', refreshPending),
  ];
  const picture = chart();
  return {
    element: h('div', {}, picture.element, filters.element, list.element),
    start: () => Promise.all([list.reload(), picture.start()]),
    stop: () => [...unsubscribe, picture.stop].forEach((off) => off()),
  };
}
