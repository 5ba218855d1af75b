// The page of a channel, and of its gateway.

import { findRow, request } from './api.js';
import { href } from './address.js';
import { ask, button, copyButton } from './controls.js';
import { badge, breakable, card, facts, h } from './dom.js';
import { edit } from './edit.js';
import { allOf } from './names.js';
import { time } from './time.js';
import { notify } from './toast.js';

export async function channel(id, reload) {
  const [row, forms] = await Promise.all([findRow('channels', id), allOf('forms')]);
  if (!row) return null;
  const secret = h('div', { 'aria-live': 'polite' });
  const enabled = forms.filter(({ channels }) => channels.some((channel) => String(channel) === id));
  const ping = button('Ping the gateway', async () => {
    const { accepted, result } = await request('POST', `/admin/channels/${id}/ping`);
    notify(`The gateway ${accepted ? 'accepted the ping' : 'did not accept the ping'}: ${result}`, !accepted);
  });
  const rotate = button('New signing secret', () => ask('Make a new signing secret?', 'Deliveries are signed with the old and the new secret for 24 hours, and then with the new one alone.', 'Make it', async () => {
    const { secret: text, oldSecretUntil } = await request('POST', `/admin/channels/${id}/rotate`);
    secret.replaceChildren(card('Secret', h('p', {}, 'Copy it now. It is shown only once. The old secret is used until ', time(oldSecretUntil), '.'),
      h('p', { class: 'secret' }, h('code', {}, text), copyButton(() => text), button('Hide', () => secret.replaceChildren()))));
  }));
  const remove = button('Delete', () => ask(`Delete channel ${id}?`, 'The channel is deleted. Its sends remain in the history.', 'Delete', async () => {
    await request('DELETE', `/admin/channels/${id}`);
    location.hash = href('channels');
    notify(`Deleted channel ${id}.`);
  }));
  const state = !row.deliveryUrl ? 'none' : row.deliveryOff ? [badge('off', 'failure'), ` ${row.deliveryOff}`] : badge('on', 'success');
  const turn = row.deliveryUrl && button(row.deliveryOff ? 'Switch deliveries on' : 'Switch deliveries off', async () => {
    const { id: _, deliveryOff, ...rest } = row;
    await request('PUT', `/admin/channels/${id}`, deliveryOff ? rest : { ...rest, deliveryOff: 'switched off in the console' });
    notify(`Deliveries of channel ${id} are ${deliveryOff ? 'on' : 'off'}.`);
    await reload();
  });
  return {
    heading: row.name,
    element: h('div', {},
      facts(['Name', row.name], ['Type', row.type], ['Delivery URL', breakable(row.deliveryUrl ?? 'none')], ['Deliveries', state],
        ['Forms', enabled.length ? enabled.map((form, index) => [index ? ', ' : '', h('a', { href: href('forms', form.id) }, form.name)]) : 'No form is enabled for this channel.']),
      h('p', { class: 'buttons' }, button('Edit', () => edit('channels', row, reload)), row.deliveryUrl ? [ping, turn, rotate] : null, remove,
        h('a', { href: href('deliveries', '', { channel: id }) }, 'Deliveries of this channel')),
      secret),
  };
}
