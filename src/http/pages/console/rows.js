// Clients, threads and channels: lists, and a dialog to edit a row. Forms have only the dialog; their list is a grid.

import { parseId, query, request, serverInfo } from './api.js';
import { badge, button, confirmButton, field, form, h, notify, select, time } from './dom.js';
import { List, PAGE } from './list.js';
import { on } from './live.js';
import { clientLink } from './sends.js';

const STATUSES = ['NEW', 'UNASSIGNED', 'SUSPENDED', 'ASSIGNED', 'REASSIGNED', 'ANSWER_NEEDED', 'WAITING', 'IN_PROGRESS', 'CLOSED'];

const now = () => new Date().toISOString();

/**
 * The columns of each list, and the fields of each dialog: name, label, and type. A type is `id`, `required`, an array of
 * options, or a function that returns the value of a new row. The dialog keeps the other fields of a row unchanged.
 */
const KINDS = {
  clients: {
    singular: 'client',
    columns: [['Name', (row) => row.name ?? '–'], ['External id', (row) => row.externalId ?? '–'], ['Phone', (row) => row.phone ?? '–'], ['Refusals', (row) => h('a', { href: `#refusals/${row.id}`, 'aria-label': `Show refusals of client ${row.id}` }, 'Show')]],
    fields: [['name', 'Name'], ['externalId', 'External id'], ['phone', 'Phone']],
  },
  threads: {
    singular: 'thread',
    columns: [['Client', (row) => clientLink(row.clientId)], ['Channel', (row) => row.channel], ['Status', (row) => badge(row.status, row.status === 'CLOSED' ? '' : 'pending')], ['Status since', (row) => time(row.stateChangeTime)], ['Started', (row) => time(row.startTime)]],
    fields: [['clientId', 'Client', 'id'], ['channel', 'Channel', 'id'], ['status', 'Status', STATUSES], ['startTime', 'Started (UTC)', now], ['stateChangeTime', 'In this status since (UTC)', now]],
  },
  channels: {
    singular: 'channel',
    columns: [['Name', (row) => row.name], ['Type', (row) => row.type], ['Delivery URL', (row) => row.deliveryUrl ?? '–'], ['', (row) => row.deliveryOff ? badge(`off: ${row.deliveryOff}`, 'failure') : '']],
    fields: [['name', 'Name', 'required'], ['type', 'Type, such as WEB', 'required'], ['deliveryUrl', 'Delivery URL'], ['deliveryOff', 'Delivery off (reason)']],
    actions: (number) => [
      button('Ping', async () => {
        const { accepted, result } = await request('POST', `/admin/channels/${number}/ping`);
        notify(`The gateway ${accepted ? 'accepted the ping' : 'did not accept the ping'}: ${result}`, !accepted);
      }),
      confirmButton('New signing secret', async () => {
        const { secret } = await request('POST', `/admin/channels/${number}/rotate`);
        notify(`The new secret is shown only once: ${secret}`, true);
      }),
    ],
  },
  forms: {
    singular: 'form',
    columns: [],
    fields: [['name', 'Name', 'required']],
  },
};

function input([name, , type], value) {
  if (Array.isArray(type)) {
    const element = select(name, type.map((option) => [option, option]));
    element.value = value ?? 'CLOSED';
    return element;
  }
  const isNew = value === undefined;
  const shown = isNew && typeof type === 'function' ? type() : (value ?? '');
  return h('input', { name, value: shown, spellcheck: 'false', required: type !== undefined, inputmode: type === 'id' && 'numeric' });
}

/** Opens a dialog for a row that exists, or for a new one. */
export async function edit(kind, number) {
  const { singular, fields, actions } = KINDS[kind];
  let old = null;
  if (number !== undefined) {
    old = await request('GET', `/admin/${kind}/${number}`).catch((error) => {
      if (error.status !== 404) throw error;
      return null;
    });
  }
  const title = old ? `${singular} ${number}` : `New ${singular}`;
  const save = form(
    async (data) => {
      const row = { ...old };
      delete row.id;
      for (const [name, label, type] of fields) {
        const text = data[name].trim();
        if (text) row[name] = type === 'id' ? parseId(text, label) : text;
        else delete row[name];
      }
      const at = old ? number : parseId(data.id, 'Id');
      await request('PUT', `/admin/${kind}/${at}`, row);
      notify(`Saved ${singular} ${at}.`);
      dialog.close();
    },
    {},
    h('h2', { id: 'dialog-title' }, title),
    old ? null : field('Id', h('input', { name: 'id', value: number ?? '', required: true, inputmode: 'numeric' })),
    fields.map((spec) => field(spec[1], input(spec, old?.[spec[0]]))),
    h('p', { class: 'buttons' },
      h('button', { class: 'primary' }, 'Save'),
      button('Cancel', () => dialog.close()),
      old && actions ? actions(number) : null,
      old && confirmButton('Delete', async () => {
        await request('DELETE', `/admin/${kind}/${number}`);
        notify(`Deleted ${singular} ${number}.`);
        dialog.close();
      })),
  );
  const dialog = h('dialog', { 'aria-labelledby': 'dialog-title' }, save);
  // While the dialog is open, messages appear inside it, because a modal dialog makes the rest of the page inert.
  const toast = document.getElementById('toast');
  const toastParent = toast.parentNode;
  dialog.append(toast);
  dialog.addEventListener('close', () => {
    toastParent.append(toast);
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
}

/** The view of a kind. `number` is the id of a row to open in the dialog. */
export function rows(kind, number) {
  const { singular, columns } = KINDS[kind];
  let from = '';
  const list = new List({
    label: kind,
    key: 'id',
    path: (after) => query(`/admin/${kind}`, { after: after ?? (from === '' ? '' : parseId(from) - 1n), limit: PAGE }),
    emptyText: `There are no ${kind} from this id on. Create one with the button above or with PUT /admin/${kind}/1, or create many with surveyd apply${serverInfo.fake ? '' : ` FILE ${serverInfo.databaseArgument}`}.`,
    columns: [['Id', (row) => button(String(row.id), () => edit(kind, row.id), { class: 'link', 'aria-label': `Edit ${singular} ${row.id}` })], ...columns],
  });
  const filters = form(
    (data) => {
      from = data.from;
      return list.reload();
    },
    { latestWins: true, class: 'bar', 'aria-label': 'Go to', onchange: () => filters.requestSubmit() },
    field('From id', h('input', { name: 'from', inputmode: 'numeric', pattern: '-?[0-9]{1,19}', size: 12 })),
    h('button', {}, 'Go'),
    button(`New ${singular}`, () => edit(kind), { class: 'primary' }),
  );
  const changesKind = ({ rows }) => rows.some(({ object, action }) => action === 'apply' || object.startsWith(`${kind}/`));
  const unsubscribe = [
    on('resync', () => list.reload().catch(() => {})),
    on('audit', (batch) => changesKind(batch) && list.reload().catch(() => {})),
  ];
  return {
    element: h('div', {}, filters, list.element),
    start: async () => {
      await list.reload();
      if (number) await edit(kind, parseId(number));
    },
    stop: () => unsubscribe.forEach((off) => off()),
  };
}
