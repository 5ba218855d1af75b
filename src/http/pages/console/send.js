// The page of a send and its delivery.

import { findRow, request } from './api.js';
import { button } from './controls.js';
import { deliveryBadge, facts, h } from './dom.js';
import { on, throttle } from './live.js';
import { link, tokenLink } from './names.js';
import { longTime } from './time.js';
import { notify } from './toast.js';

function deliveryPart(delivery, id, reload) {
  const retry = button('Retry', async () => {
    await request('POST', `/admin/deliveries/${id}/retry`);
    notify(`Send #${id} is due for delivery now.`);
    await reload();
  });
  return [
    facts(['Channel', link('channels', delivery.channel)], ['State', deliveryBadge(delivery.state)], ['Tries', delivery.tries],
      ['Last try', longTime(delivery.triedAt, 'none')], ['Result', delivery.result ?? '–'], ['Next try', longTime(delivery.dueAt, 'none')], ['Webhook id', delivery.webhookId]),
    h('p', { class: 'buttons' }, retry),
  ];
}

export async function send(id, reload) {
  const [row, delivery] = await Promise.all([findRow('sends', id), findRow('deliveries', id)]);
  if (!row) return null;
  const refresh = throttle(1000, () => reload());
  const unsubscribe = delivery?.state === 'pending' ? [on('committed', refresh)] : [];
  return {
    element: h('div', {},
      facts(['Sent', longTime(row.sentAt)], ['Client', row.clientId === null ? 'erased' : link('clients', row.clientId, row.clientExternalId ?? '')],
        ['Thread', link('threads', row.threadId)], ['Form', link('forms', row.qualityFormId)], ['Token', tokenLink(row.token)]),
      h('h3', {}, 'Delivery'),
      delivery ? deliveryPart(delivery, id, reload) : h('p', { class: 'empty' }, 'Recorded, and not delivered: the channel had no delivery URL.')),
    stop: () => unsubscribe.forEach((off) => off()),
  };
}
