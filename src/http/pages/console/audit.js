// Who changed what.

import { query, write } from './api.js';
import { field, form, h, json, time } from './dom.js';
import { List, PAGE } from './list.js';
import { on } from './live.js';

/** What is other than it was, in a line; the rest is behind it. */
function inShort({ before, after }) {
  if (!before || !after) return 'whole row';
  const other = Object.keys({ ...before, ...after }).filter((key) => write(before[key] ?? null) !== write(after[key] ?? null));
  return other.map((key) => `${key} ${write(before[key] ?? null)} → ${write(after[key] ?? null)}`).join(', ').slice(0, 120) || 'whole row';
}

function change(row) {
  if (row.before === null && row.after === null) return '–';
  const part = (words, value) => [h('dt', {}, words), h('dd', {}, value === null ? 'nothing' : json(value))];
  return h('details', {}, h('summary', {}, inShort(row)), h('dl', {}, part('before', row.before), part('after', row.after)));
}

/** The view. */
export function audit() {
  let object = '';
  const list = new List({
    label: 'Changes, the newest first',
    key: 'id',
    path: (before = 'end') => query('/admin/audit', { before, limit: PAGE, object }),
    nothing: 'Nothing was changed yet. Whatever is changed, here, by the API or by a command, leaves a row that nobody can remove.',
    columns: [
      ['Time', (row) => time(row.at)],
      ['Who', (row) => row.who],
      ['From', (row) => row.address ?? '–'],
      ['Did', (row) => row.action],
      ['To', (row) => row.object],
      ['What', change],
    ],
  });
  const ends = [
    on('begin', () => list.reload().catch(() => {})),
    on('audit', ({ rows }) => list.prepend(rows.filter((row) => !object || row.object === object))),
  ];
  const filters = form(
    (data) => {
      object = data.object.trim();
      return list.reload();
    },
    { isQuestion: true, class: 'bar', 'aria-label': 'Filter', onchange: () => filters.requestSubmit() },
    field('Object', h('input', { name: 'object', placeholder: 'settings or forms/1', spellcheck: 'false' })),
    h('button', {}, 'Filter'),
  );
  return { element: h('div', {}, filters, list.element), begin: () => list.reload(), end: () => ends.forEach((end) => end()) };
}
