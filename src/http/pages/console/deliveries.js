// The deliveries to the gateways, with buttons to retry them.

import { query, request } from './api.js';
import { button, field, form, formatNumber, h, notify, select, time } from './dom.js';
import { List, PAGE } from './list.js';
import { on, throttle } from './live.js';
import { deliveryBadge } from './sends.js';

export function deliveries() {
  let filter = {};
  const list = new List({
    label: 'Deliveries, newest first',
    key: 'sendingId',
    path: (before = 'end') => query('/admin/deliveries', { before, limit: PAGE, ...filter }),
    emptyText: ['No deliveries. Set the delivery URL of a channel under ', h('a', { href: '#channels' }, 'Channels'), '. New sends to that channel then appear here.'],
    columns: [
      ['Send', (delivery) => `#${delivery.sendingId}`],
      ['Channel', (delivery) => delivery.channel],
      ['State', (delivery) => deliveryBadge(delivery.state)],
      ['Tries', (delivery) => delivery.tries],
      ['Last try', (delivery) => time(delivery.triedAt)],
      ['Result', (delivery) => delivery.result ?? '–'],
      ['Next try', (delivery) => time(delivery.dueAt)],
      ['', (delivery) => button('Retry', async () => {
        list.update(await request('POST', `/admin/deliveries/${delivery.sendingId}/retry`));
        notify(`Retrying the delivery of send #${delivery.sendingId}.`);
      }, { 'aria-label': `Retry send ${delivery.sendingId}` })],
    ],
  });
  const counts = h('ul', { class: 'counts', 'aria-label': 'Undelivered sends by channel' });
  const refreshCounts = async () => {
    const rows = await request('GET', '/admin/deliveries/counts');
    counts.replaceChildren(
      ...rows.flatMap((row) => ['pending', 'dead', 'cancelled'].filter((state) => row[state] > 0).map((state) =>
        h('li', {}, `Channel ${row.channel}: `, h('b', {}, formatNumber(row[state])), ' ', deliveryBadge(state), ' ', state === 'pending' ? null : button('Retry all', async () => {
          const { retried } = await request('POST', `/admin/channels/${row.channel}/retry?state=${state}`);
          notify(`Retrying ${formatNumber(retried)} deliveries.`);
        }, { 'aria-label': `Retry all ${state} deliveries of channel ${row.channel}` })),
      )),
    );
  };
  const refresh = throttle(1000, () => {
    // The counts are not replaced while one of their buttons has the focus: the reader could press another button.
    const tasks = [list.refresh(), counts.contains(document.activeElement) ? null : refreshCounts()];
    Promise.all(tasks).catch(() => {});
  });
  const unsubscribe = [on('resync', () => list.reload().catch(() => {})), on('caughtUp', refresh), on('committed', refresh)];
  const states = ['', 'pending', 'delivered', 'dead', 'cancelled'].map((name) => [name, name || 'any']);
  const filters = form(
    (data) => {
      filter = data;
      return list.reload();
    },
    { latestWins: true, class: 'bar', 'aria-label': 'Filter', onchange: () => filters.requestSubmit() },
    field('State', select('state', states)),
    field('Channel', h('input', { name: 'channel', inputmode: 'numeric', pattern: '-?[0-9]{1,19}', size: 8 })),
    h('button', {}, 'Filter'),
  );
  return {
    element: h('div', {}, counts, filters, list.element),
    start: () => Promise.all([list.reload(), refreshCounts()]),
    stop: () => unsubscribe.forEach((off) => off()),
  };
}
