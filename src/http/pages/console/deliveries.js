// How what was sent is handed to the gateways, and trying again by hand.

import { ask, query } from './api.js';
import { button, choice, field, figure, form, h, say, time } from './dom.js';
import { List, PAGE } from './list.js';
import { atMost, on } from './live.js';
import { state } from './sends.js';

/** The view. */
export function deliveries() {
  let filter = {};
  const list = new List({
    label: 'Deliveries, the newest first',
    key: 'sendingId',
    path: (before = 'end') => query('/admin/deliveries', { before, limit: PAGE, ...filter }),
    nothing: ['Nothing is to be delivered. Give a channel a deliveryUrl, under ', h('a', { href: '#channels' }, 'Channels'), ', and what is sent there appears here.'],
    columns: [
      ['Send', (delivery) => `#${delivery.sendingId}`],
      ['Channel', (delivery) => delivery.channel],
      ['State', (delivery) => state(delivery.state)],
      ['Tries', (delivery) => delivery.tries],
      ['Last try', (delivery) => time(delivery.triedAt)],
      ['Result', (delivery) => delivery.result ?? '–'],
      ['Next try', (delivery) => time(delivery.dueAt)],
      ['', (delivery) => button('Try again', async () => {
        list.update(await ask('POST', `/admin/deliveries/${delivery.sendingId}/retry`));
        say(`Send #${delivery.sendingId} is being delivered again.`);
      }, { 'aria-label': `Try send ${delivery.sendingId} again` })],
    ],
  });
  const counts = h('ul', { class: 'counts', 'aria-label': 'Not delivered, by channel' });
  const count = async () => {
    const rows = await ask('GET', '/admin/deliveries/counts');
    counts.replaceChildren(
      ...rows.map((row) =>
        h('li', {}, `Channel ${row.channel}: `, h('b', {}, figure(row.deliveries)), ' ', state(row.state), ' ', row.state === 'pending' ? null : button('Try all again', async () => {
          const { retried } = await ask('POST', `/admin/channels/${row.channel}/retry?state=${row.state}`);
          say(`${figure(retried)} are being delivered again.`);
        }, { 'aria-label': `Try all ${row.state} of channel ${row.channel} again` })),
      ),
    );
  };
  const refresh = atMost(1000, () => {
    // Not while somebody is on one of these buttons: it would be another one.
    const tasks = [list.refresh(), counts.contains(document.activeElement) ? null : count()];
    Promise.all(tasks).catch(() => {});
  });
  const ends = [on('begin', () => list.reload().catch(() => {})), on('told', refresh), on('committed', refresh)];
  const states = ['', 'pending', 'delivered', 'dead', 'cancelled'].map((name) => [name, name || 'any']);
  const filters = form(
    (data) => {
      filter = data;
      return list.reload();
    },
    { isQuestion: true, class: 'bar', 'aria-label': 'Filter', onchange: () => filters.requestSubmit() },
    field('State', choice('state', states)),
    field('Channel', h('input', { name: 'channel', inputmode: 'numeric', pattern: '-?[0-9]{1,19}', size: 8 })),
    h('button', {}, 'Filter'),
  );
  return {
    element: h('div', {}, counts, filters, list.element),
    begin: () => Promise.all([list.reload(), count()]),
    end: () => ends.forEach((end) => end()),
  };
}
