// The audit: who changed what.

import { query, stringify } from './api.js';
import { field, form, h, json, time } from './dom.js';
import { List, PAGE } from './list.js';
import { on } from './live.js';

/** The changed keys in one line. The reader opens it to see both values whole. */
function summarize({ before, after }) {
  if (!before || !after) return 'whole row';
  const valueOf = (object, key) => stringify(object[key] ?? null);
  const changed = Object.keys({ ...before, ...after }).filter((key) => valueOf(before, key) !== valueOf(after, key));
  return changed.map((key) => `${key} ${valueOf(before, key)} → ${valueOf(after, key)}`).join(', ').slice(0, 120) || 'whole row';
}

function change(row) {
  if (row.before === null && row.after === null) return '–';
  const part = (label, value) => [h('dt', {}, label), h('dd', {}, value === null ? 'none' : json(value))];
  return h('details', {}, h('summary', {}, summarize(row)), h('dl', {}, part('before', row.before), part('after', row.after)));
}

export function audit() {
  let object = '';
  const list = new List({
    label: 'Changes, newest first',
    key: 'id',
    path: (before = 'end') => query('/admin/audit', { before, limit: PAGE, object }),
    emptyText: 'No changes yet. Every change is recorded here, from the console, the API or a command. Nobody can delete a row.',
    columns: [
      ['Time', (row) => time(row.at)],
      ['Changed by', (row) => row.who],
      ['Address', (row) => row.address ?? '–'],
      ['Action', (row) => row.action],
      ['Object', (row) => row.object],
      ['Change', change],
    ],
  });
  const unsubscribe = [
    on('resync', () => list.reload().catch(() => {})),
    on('audit', ({ rows }) => list.prepend(rows.filter((row) => !object || row.object === object))),
  ];
  const filters = form(
    (data) => {
      object = data.object.trim();
      return list.reload();
    },
    { latestWins: true, class: 'bar', 'aria-label': 'Filter', onchange: () => filters.requestSubmit() },
    field('Object', h('input', { name: 'object', placeholder: 'settings or forms/1', spellcheck: 'false' })),
    h('button', {}, 'Filter'),
  );
  return { element: h('div', {}, filters, list.element), start: () => list.reload(), stop: () => unsubscribe.forEach((off) => off()) };
}
