// The page of a form.

import { findRow, request } from './api.js';
import { href } from './address.js';
import { ask, button } from './controls.js';
import { facts, h } from './dom.js';
import { edit } from './edit.js';
import { on, throttle } from './live.js';
import { allOf } from './names.js';
import { sendList } from './sends.js';
import { notify } from './toast.js';

export async function formRow(id, reload) {
  const [row, channels] = await Promise.all([findRow('forms', id), allOf('channels')]);
  if (!row) return null;
  const sent = sendList(() => ({ form: id }), () => 'This form was not sent yet.', 10);
  const enabled = channels.filter((channel) => row.channels.some((one) => one === channel.id));
  const remove = button('Delete', () => ask(`Delete form ${id}?`, 'The form is deleted. Its sends remain in the history.', 'Delete', async () => {
    await request('DELETE', `/admin/forms/${id}`);
    location.hash = href('forms');
    notify(`Deleted form ${id}.`);
  }));
  const refresh = throttle(1000, () => sent.refresh());
  const unsubscribe = [on('sends', ({ rows }) => rows.some(({ qualityFormId }) => String(qualityFormId) === id) && refresh())];
  return {
    heading: row.name,
    element: h('div', {},
      facts(['Name', row.name], ['Enabled for', enabled.length ? enabled.map((channel, index) => [index ? ', ' : '', h('a', { href: href('channels', channel.id) }, channel.name)]) : 'no channel']),
      h('p', { class: 'buttons' }, button('Edit', () => edit('forms', row, reload)), remove, h('a', { href: href('forms') }, 'Enable it for channels')),
      h('h3', {}, 'Sends'), sent.element),
    start: () => sent.reload(),
    stop: () => unsubscribe.forEach((off) => off()),
  };
}
