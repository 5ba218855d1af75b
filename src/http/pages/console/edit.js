// The dialog to create or edit a client, a thread, a channel or a form.

import { isId, parseId, request } from './api.js';
import { now } from './clock.js';
import { button, field, form, openDialog, select } from './controls.js';
import { h } from './dom.js';
import { notify } from './toast.js';

const STATUSES = ['NEW', 'UNASSIGNED', 'SUSPENDED', 'ASSIGNED', 'REASSIGNED', 'ANSWER_NEEDED', 'WAITING', 'IN_PROGRESS', 'CLOSED'];

const nowText = () => new Date(now()).toISOString();

/**
 * The fields of each kind: name, label, and type. A type is `id`, `required`, an array of options, or a function that returns
 * the value of a new row. The dialog keeps the other fields of a row unchanged.
 */
const FIELDS = {
  clients: [['name', 'Name'], ['externalId', 'External id'], ['phone', 'Phone']],
  threads: [['clientId', 'Client id', 'id'], ['channel', 'Channel id', 'id'], ['status', 'Status', STATUSES], ['startTime', 'Started (UTC)', nowText], ['stateChangeTime', 'In this status since (UTC)', nowText]],
  channels: [['name', 'Name', 'required'], ['type', 'Type, such as WEB', 'required'], ['deliveryUrl', 'Delivery URL'], ['deliveryOff', 'Why deliveries are off; empty if they are on']],
  forms: [['name', 'Name', 'required']],
};

function input([name, , type], value) {
  if (Array.isArray(type)) return select(name, type.map((option) => [option, option]), value ?? 'CLOSED');
  const shown = value ?? (typeof type === 'function' ? type() : '');
  return h('input', { name, value: shown, spellcheck: 'false', required: type !== undefined, inputmode: type === 'id' && 'numeric' });
}

/** Opens the dialog for a row, or for a new one. `initial` are values of a new row. `saved` is called with the id. */
export async function edit(kind, row, saved, initial = {}) {
  const singular = kind.slice(0, -1);
  const fields = FIELDS[kind];
  openDialog(row ? `Edit ${singular} ${row.id}` : `New ${singular}`, (close) => form(
    async (data) => {
      const changed = { ...row };
      delete changed.id;
      for (const [name, label, type] of fields) {
        const text = data[name].trim();
        if (text) changed[name] = type === 'id' ? parseId(text, label) : text;
        else delete changed[name];
      }
      const id = row ? row.id : parseId(data.id, 'Id');
      await request('PUT', `/admin/${kind}/${id}`, changed);
      close();
      notify(`Saved ${singular} ${id}.`);
      await saved?.(id);
    },
    {},
    row ? null : field('Id', h('input', { name: 'id', value: initial.id && isId(initial.id) ? initial.id : '', required: true, inputmode: 'numeric' })),
    fields.map((spec) => field(spec[1], input(spec, row ? row[spec[0]] : initial[spec[0]]))),
    h('p', { class: 'buttons end' }, button('Cancel', close), h('button', { class: 'primary' }, 'Save')),
  ));
}
