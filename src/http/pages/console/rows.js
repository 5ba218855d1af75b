// Clients, threads and channels: lists.

import { query } from './api.js';
import { href } from './address.js';
import { button } from './controls.js';
import { badge, breakable, h } from './dom.js';
import { edit } from './edit.js';
import { Filters, ID } from './filters.js';
import { List, PAGE } from './list.js';
import { on } from './live.js';
import { link } from './names.js';
import { time } from './time.js';

/** The badge of a thread's status: an open thread is marked. */
export const statusBadge = (status) => badge(status, status === 'CLOSED' ? '' : 'pending');

const id = (kind) => ['Id', (row) => h('a', { class: 'ref', href: href(kind, row.id) }, row.id), 'short'];

const COLUMNS = {
  clients: [
    id('clients'),
    ['Name', (row) => row.name ?? '–'],
    ['External id', (row) => breakable(row.externalId ?? '–')],
    ['Phone', (row) => row.phone ?? '–', 'short'],
    ['', (row) => h('a', { href: href('refusals', '', { person: row.id }), 'aria-label': `Why does client ${row.id} get no survey?` }, 'Why?'), 'short'],
  ],
  threads: [
    id('threads'),
    ['Client', (row) => link('clients', row.clientId)],
    ['Channel', (row) => link('channels', row.channel)],
    ['Status', (row) => statusBadge(row.status), 'short'],
    ['Since', (row) => time(row.stateChangeTime), 'short'],
    ['Started', (row) => time(row.startTime), 'short'],
  ],
  channels: [
    id('channels'),
    ['Name', (row) => row.name],
    ['Type', (row) => row.type, 'short'],
    ['Delivery URL', (row) => breakable(row.deliveryUrl ?? 'none'), 'text'],
    ['Deliveries', (row) => (row.deliveryUrl ? (row.deliveryOff ? [badge('off', 'failure'), ` ${row.deliveryOff}`] : badge('on', 'success')) : badge('none'))],
  ],
};

/** A list of clients, threads or channels. `values` returns the filter. */
export function rowList(kind, values, emptyText, pageSize = PAGE) {
  return new List({
    label: kind[0].toUpperCase() + kind.slice(1),
    key: 'id',
    pageSize,
    path: (after) => query(`/admin/${kind}`, { after, limit: pageSize, ...values() }),
    emptyText,
    columns: COLUMNS[kind],
  });
}

/** Whether a batch of the audit has changed rows of a kind. */
export const changes = (kind) => ({ rows }) => rows.some(({ object, action }) => action === 'apply' || object.startsWith(`${kind}/`));

function view(kind, fields, values) {
  const singular = kind.slice(0, -1);
  const create = button(`New ${singular}`, () => edit(kind, null, (id) => (location.hash = href(kind, id))), { class: 'primary' });
  const filters = fields.length ? new Filters(fields, values, () => list.reload(), create) : null;
  const isFiltered = () => filters && !filters.isEmpty;
  const list = rowList(kind, () => filters?.values ?? {}, () =>
    (isFiltered() ? filters.nothing(kind) : `There are no ${kind} yet. Create one here or with PUT /admin/${kind}/1, or many with the command surveyd apply.`));
  const unsubscribe = [on('resync', () => list.reload()), on('audit', (batch) => changes(kind)(batch) && list.reload())];
  return {
    element: h('div', {}, filters?.element ?? h('p', { class: 'bar' }, create), list.element),
    start: () => list.reload(),
    stop: () => unsubscribe.forEach((off) => off()),
  };
}

export const clients = ({ filters }) => view('clients', [['q', 'Begins with', { size: 24, placeholder: 'Name, external id or phone', maxlength: 255 }]], filters);
export const threads = ({ filters }) => view('threads', [['client', 'Client', ID]], filters);
export const channels = () => view('channels', [], {});
