// The page of a thread.

import { findRow, request } from './api.js';
import { href } from './address.js';
import { ask, button } from './controls.js';
import { facts, h } from './dom.js';
import { edit } from './edit.js';
import { on, throttle } from './live.js';
import { link } from './names.js';
import { statusBadge } from './rows.js';
import { sendList } from './sends.js';
import { longTime } from './time.js';
import { notify } from './toast.js';

export async function thread(id, reload) {
  const row = await findRow('threads', id);
  if (!row) return null;
  const sent = sendList(() => ({ thread: id }), () => 'No survey was sent for this thread.', 10);
  const remove = button('Delete', () => ask(`Delete thread ${id}?`, 'The thread is deleted. Its sends remain in the history.', 'Delete', async () => {
    await request('DELETE', `/admin/threads/${id}`);
    location.hash = href('threads');
    notify(`Deleted thread ${id}.`);
  }));
  const refresh = throttle(1000, () => sent.refresh());
  const unsubscribe = [on('sends', ({ rows }) => rows.some(({ threadId }) => String(threadId) === id) && refresh())];
  return {
    element: h('div', {},
      facts(['Client', link('clients', row.clientId)], ['Channel', link('channels', row.channel)], ['Status', statusBadge(row.status)],
        ['In this status since', longTime(row.stateChangeTime)], ['Started', longTime(row.startTime)]),
      h('p', { class: 'buttons' }, button('Edit', () => edit('threads', row, reload)), remove),
      h('h3', {}, 'Sends'), sent.element),
    start: () => sent.reload(),
    stop: () => unsubscribe.forEach((off) => off()),
  };
}
