// The audit: who changed what.

import { query, stringify } from './api.js';
import { href } from './address.js';
import { breakable, h, json } from './dom.js';
import { Filters } from './filters.js';
import { List, PAGE } from './list.js';
import { on, throttle } from './live.js';
import { time } from './time.js';

const valueOf = (object, key) => (object?.[key] === undefined ? 'none' : stringify(object[key]));

/** The keys that differ, each with both values. */
function differences({ before, after }) {
  const keys = Object.keys({ ...before, ...after });
  return keys.filter((key) => valueOf(before, key) !== valueOf(after, key)).map((key) => [key, valueOf(before, key), valueOf(after, key)]);
}

function change(row) {
  if (!row.before && !row.after) return '–';
  const changed = differences(row);
  const [first, ...others] = changed;
  const shorten = (text) => (text.length > 90 ? `${text.slice(0, 88)}…` : text);
  const text = !row.before ? 'created' : !row.after ? 'deleted' : first ? shorten(`${first[0]}: ${first[1]} → ${first[2]}`) : 'nothing differs';
  const more = row.before && row.after && others.length ? `, and ${others.length} more` : '';
  const part = (label, value) => [h('dt', {}, label), h('dd', {}, value === null ? 'none' : json(value))];
  return h('details', {}, h('summary', {}, breakable(text + more)), h('dl', {}, part('before', row.before), part('after', row.after)));
}

/** The object of a change as a link, if it has a page. */
function object(row) {
  const [kind, id, ...rest] = row.object.split('/');
  const hasPage = ['clients', 'threads', 'channels', 'forms', 'tokens'].includes(kind) && id && !rest.length;
  if (kind === 'deliveries' && id) return h('a', { class: 'ref', href: href('sends', id) }, row.object);
  return hasPage ? h('a', { class: 'ref', href: href(kind, id) }, row.object) : breakable(row.object);
}

export function audit({ filters: values }) {
  const filters = new Filters([
    ['who', 'Changed by', { size: 14 }],
    ['object', 'Object', { placeholder: 'settings, forms/1', size: 16 }],
    ['since', 'Since', { type: 'date' }],
    ['until', 'Until', { type: 'date' }],
  ], values, () => list.reload());
  const list = new List({
    label: 'Changes, newest first',
    key: 'id',
    path: (before = 'end') => query('/admin/audit', { before, limit: PAGE, ...filters.parameters }),
    emptyText: () => (filters.isEmpty ? 'No changes yet. Every change is recorded here, from the console, the API or a command.' : filters.nothing('changes')),
    columns: [
      ['Time', (row) => time(row.at), 'short'],
      ['Changed by', (row) => row.who],
      ['Address', (row) => row.address ?? '–', 'short'],
      ['Action', (row) => row.action, 'short'],
      ['Object', object],
      ['Change', change, 'text'],
    ],
  });
  const refresh = throttle(1000, () => list.refresh());
  const unsubscribe = [on('resync', () => list.reload()), on('audit', ({ rows }) => (filters.isEmpty ? list.prepend(rows) : refresh()))];
  return { element: h('div', {}, filters.element, list.element), start: () => list.reload(), stop: () => unsubscribe.forEach((off) => off()) };
}
