// The page of a client.

import { findRow, request } from './api.js';
import { href } from './address.js';
import { ask, button } from './controls.js';
import { facts, h } from './dom.js';
import { edit } from './edit.js';
import { on, throttle } from './live.js';
import { clientText } from './names.js';
import { refusalList } from './refusals.js';
import { rowList } from './rows.js';
import { sendList } from './sends.js';
import { notify } from './toast.js';
import { whyNow } from './why.js';

const ROWS = 10;

export async function client(id, reload) {
  const row = await findRow('clients', id);
  if (!row) return null;
  const filter = () => ({ client: id });
  const why = whyNow({ type: 'internalClientId', id: row.id });
  const refused = refusalList(filter, () => 'Nothing was refused.', ROWS);
  const threads = rowList('threads', filter, () => 'This client has no thread.', ROWS);
  const sent = sendList(filter, () => 'Nothing was sent to this client.', ROWS);
  const remove = button('Delete', () => ask(`Delete client ${id}?`, 'The client is deleted. Its sends remain in the history.', 'Delete', async () => {
    await request('DELETE', `/admin/clients/${id}`);
    location.hash = href('clients');
    notify(`Deleted client ${id}.`);
  }));
  const erase = button('Erase', () => ask(`Erase client ${id}?`, 'All stored data of this person is removed: the client, its threads, and its part of the history. This cannot be undone. Backups and exports keep the data.', 'Erase', async () => {
    const { logEmptied } = await request('DELETE', `/admin/clients/${id}?erase=true`);
    location.hash = href('clients');
    notify(logEmptied ? `Erased client ${id}.` : `Erased client ${id} from the rows. The log still holds the data, until the server can empty it: see Status.`);
  }), { class: 'danger', title: 'Removes all stored data of this person' });
  const refreshSends = throttle(1000, () => sent.refresh());
  const refreshRefusals = throttle(1000, () => {
    refused.refresh();
    why.ask();
  });
  const unsubscribe = [
    on('sends', ({ rows }) => rows.some(({ clientId }) => String(clientId) === id) && refreshSends()),
    on('refusals', refreshRefusals),
    on('audit', ({ rows }) => {
      if (rows.some(({ object }) => object.startsWith('threads/'))) threads.reload();
      why.ask();
    }),
  ];
  return {
    heading: clientText(row) || null,
    element: h('div', {},
      facts(['Name', row.name ?? '–'], ['External id', row.externalId ?? '–'], ['Phone', row.phone ?? '–']),
      h('p', { class: 'buttons' }, button('Edit', () => edit('clients', row, reload)), remove, erase),
      h('h3', {}, 'Refused'), refused.element, why.element,
      h('h3', {}, 'Threads'), threads.element,
      h('h3', {}, 'Sends'), sent.element),
    start: () => Promise.all([refused.reload(), why.start(), threads.reload(), sent.reload()]),
    stop: () => unsubscribe.forEach((off) => off()),
  };
}
