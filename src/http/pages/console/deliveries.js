// The deliveries to the gateways: a board of channels, and a list.

import { query, request } from './api.js';
import { board } from './board.js';
import { button } from './controls.js';
import { deliveryBadge, h } from './dom.js';
import { Filters, ID } from './filters.js';
import { List, PAGE } from './list.js';
import { on, throttle } from './live.js';
import { link, sendLink } from './names.js';
import { time } from './time.js';
import { notify } from './toast.js';

export function deliveries({ filters: values }) {
  const states = ['', 'pending', 'delivered', 'dead', 'cancelled'].map((name) => [name, name || 'any']);
  const filters = new Filters([['state', 'State', states], ['channel', 'Channel', ID]], values, () => list.reload());
  const list = new List({
    label: 'Deliveries, newest first',
    key: 'sendingId',
    path: (before = 'end') => query('/admin/deliveries', { before, limit: PAGE, ...filters.values }),
    emptyText: () => (filters.isEmpty
      ? ['No deliveries yet. Set the delivery URL of a channel under ', h('a', { href: '#channels' }, 'Channels'), '. New sends to that channel then appear here.']
      : filters.nothing('deliveries')),
    columns: [
      ['Send', (delivery) => sendLink(delivery.sendingId), 'short'],
      ['Channel', (delivery) => link('channels', delivery.channel)],
      ['State', (delivery) => deliveryBadge(delivery.state), 'short'],
      ['Tries', (delivery) => delivery.tries, 'short'],
      ['Last try', (delivery) => time(delivery.triedAt, 'none'), 'short'],
      ['Result', (delivery) => delivery.result ?? '–', 'sentence'],
      ['Next try', (delivery) => time(delivery.dueAt, 'none'), 'short'],
      ['', (delivery) => button('Retry', async () => {
        list.update(await request('POST', `/admin/deliveries/${delivery.sendingId}/retry`));
        notify(`Send #${delivery.sendingId} is due for delivery now.`);
        await channels.refresh();
      }, { 'aria-label': `Retry send ${delivery.sendingId}` }), 'short'],
    ],
  });
  const channels = board(() => list.refresh());
  const refresh = throttle(1000, () => {
    list.refresh();
    channels.refresh();
  });
  const unsubscribe = [on('resync', () => list.reload()), ...['caughtUp', 'committed', 'resync'].map((event) => on(event, refresh))];
  return {
    element: h('div', {}, channels.element, filters.element, list.element),
    start: () => Promise.all([list.reload(), channels.refresh()]),
    stop: () => unsubscribe.forEach((off) => off()),
  };
}
