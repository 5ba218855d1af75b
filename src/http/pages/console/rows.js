// Clients, threads, channels and forms: lists, and a form for each row.

import { ask, id, query } from './api.js';
import { badge, button, choice, field, form, h, say, sureButton, time } from './dom.js';
import { List, PAGE } from './list.js';
import { on } from './live.js';
import { why } from './sends.js';

const STATUSES = ['NEW', 'UNASSIGNED', 'SUSPENDED', 'ASSIGNED', 'REASSIGNED', 'ANSWER_NEEDED', 'WAITING', 'IN_PROGRESS', 'CLOSED'];

const now = () => new Date().toISOString();

/**
 * The kinds of rows: what a list shows, and the fields that can be written: name, words, and how. What stands in a row
 * besides is left as it is.
 */
const KINDS = {
  clients: {
    one: 'client',
    columns: [['Name', (row) => row.name ?? '–'], ['External id', (row) => row.externalId ?? '–'], ['Phone', (row) => row.phone ?? '–'], ['Surveys', (row) => h('a', { href: `#refusals/${row.id}` }, 'why?')]],
    fields: [['name', 'Name'], ['externalId', 'External id'], ['phone', 'Phone']],
  },
  threads: {
    one: 'thread',
    columns: [['Client', (row) => why(row.clientId)], ['Channel', (row) => row.channel], ['Status', (row) => badge(row.status, row.status === 'CLOSED' ? '' : 'wait')], ['Since', (row) => time(row.stateChangeTime)], ['Began', (row) => time(row.startTime)]],
    fields: [['clientId', 'Client', 'id'], ['channel', 'Channel', 'id'], ['status', 'Status', STATUSES], ['startTime', 'Began (UTC)', now], ['stateChangeTime', 'In this status since (UTC)', now]],
  },
  channels: {
    one: 'channel',
    columns: [['Name', (row) => row.name], ['Type', (row) => row.type], ['Delivered to', (row) => row.deliveryUrl ?? '–'], ['', (row) => row.deliveryOff ? badge(`off: ${row.deliveryOff}`, 'bad') : '']],
    fields: [['name', 'Name', 'needed'], ['type', 'Type, such as WEB', 'needed'], ['deliveryUrl', 'Deliver to (a URL)'], ['deliveryOff', 'Deliveries are off, because']],
    actions: (number) => [
      button('Ping', async () => {
        const { accepted, result } = await ask('POST', `/admin/channels/${number}/ping`);
        say(`The gateway ${accepted ? 'accepted the ping' : 'did not accept the ping'}: ${result}`, !accepted);
      }),
      sureButton('New signing secret', async () => {
        const { deliverySecret } = await ask('POST', `/admin/channels/${number}/rotate`);
        say(`Shown this once: ${deliverySecret}`, true);
      }),
    ],
  },
  forms: {
    one: 'form',
    columns: [],
    fields: [['name', 'Name', 'needed']],
  },
};

function input([name, , how], value) {
  if (Array.isArray(how)) {
    const select = choice(name, how.map((status) => [status, status]));
    select.value = value ?? 'CLOSED';
    return select;
  }
  const isNew = value === undefined;
  const shown = isNew && typeof how === 'function' ? how() : (value ?? '');
  return h('input', { name, value: shown, spellcheck: 'false', required: how !== undefined, inputmode: how === 'id' && 'numeric' });
}

/** Opens a dialog for a row, old or new. */
export async function edit(kind, number) {
  const { one, fields, actions } = KINDS[kind];
  let old = null;
  if (number !== undefined) {
    old = await ask('GET', `/admin/${kind}/${number}`).catch((error) => {
      if (error.status !== 404) throw error;
      return null;
    });
  }
  const title = old ? `${one} ${number}` : `New ${one}`;
  const save = form(
    async (data) => {
      const row = { ...old };
      delete row.id;
      for (const [name, words, how] of fields) {
        const text = data[name].trim();
        if (text) row[name] = how === 'id' ? id(text, words) : text;
        else delete row[name];
      }
      const at = old ? number : id(data.id, 'Id');
      await ask('PUT', `/admin/${kind}/${at}`, row);
      say(`${one} ${at} is written.`);
      dialog.close();
    },
    {},
    h('h2', { id: 'dialog-title' }, title),
    old ? null : field('Id', h('input', { name: 'id', value: number ?? '', required: true, inputmode: 'numeric' })),
    fields.map((of) => field(of[1], input(of, old?.[of[0]]))),
    h('p', { class: 'buttons' },
      h('button', { class: 'primary' }, 'Write'),
      button('Cancel', () => dialog.close()),
      old && actions ? actions(number) : null,
      old && sureButton('Delete', async () => {
        await ask('DELETE', `/admin/${kind}/${number}`);
        say(`${one} ${number} is gone.`);
        dialog.close();
      })),
  );
  const dialog = h('dialog', { 'aria-labelledby': 'dialog-title' }, save);
  // What is said meanwhile is said inside: the rest of the page is out of reach.
  const toast = document.getElementById('toast');
  const outside = toast.parentNode;
  dialog.append(toast);
  dialog.addEventListener('close', () => {
    outside.append(toast);
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
}

/** The view of a kind; `number` is the row to begin with. */
export function rows(kind, number) {
  const { one, columns } = KINDS[kind];
  let from = '';
  const list = new List({
    label: kind,
    key: 'id',
    path: (after) => query(`/admin/${kind}`, { after: after ?? (from === '' ? '' : id(from) - 1n), limit: PAGE }),
    nothing: `There are no ${kind} from here on. Make one with the button above, by PUT /admin/${kind}/1, or many with surveyd apply.`,
    columns: [['Id', (row) => button(String(row.id), () => edit(kind, row.id), { class: 'link', 'aria-label': `Edit ${one} ${row.id}` })], ...columns],
  });
  const filters = form(
    (data) => {
      from = data.from;
      return list.reload();
    },
    { isQuestion: true, class: 'bar', 'aria-label': 'Go to', onchange: () => filters.requestSubmit() },
    field('From id', h('input', { name: 'from', inputmode: 'numeric', pattern: '-?[0-9]{1,19}', size: 12 })),
    h('button', {}, 'Go'),
    button(`New ${one}`, () => edit(kind), { class: 'primary' }),
  );
  const isOfKind = ({ rows }) => rows.some(({ object, action }) => action === 'apply' || object.startsWith(`${kind}/`));
  const ends = [
    on('begin', () => list.reload().catch(() => {})),
    on('audit', (batch) => isOfKind(batch) && list.reload().catch(() => {})),
  ];
  return {
    element: h('div', {}, filters, list.element),
    begin: async () => {
      await list.reload();
      if (number) await edit(kind, id(number));
    },
    end: () => ends.forEach((end) => end()),
  };
}
