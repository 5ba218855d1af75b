// A grid of forms and channels: a checkbox enables a form for a channel.

import { query, request, requestPage } from './api.js';
import { href } from './address.js';
import { button } from './controls.js';
import { h } from './dom.js';
import { edit } from './edit.js';
import { fitColumns, PAGE } from './list.js';
import { on, throttle } from './live.js';
import { allOf } from './names.js';
import { emptyState, failure } from './notice.js';
import { notify } from './toast.js';

export function forms() {
  const body = h('tbody', { role: 'rowgroup' });
  const head = h('tr', { role: 'row' });
  const scroll = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Forms and channels', hidden: true },
    h('table', { class: 'grid', role: 'table' }, h('caption', { class: 'hidden' }, 'Forms and the channels that they are enabled for'), h('thead', { role: 'rowgroup' }, head), body));
  const notice = h('div', { 'aria-live': 'polite' });
  let channels = [];
  let next = null;
  const more = button('More', () => load(next), { hidden: true });
  const list = h('div', { class: 'list' }, notice, scroll, h('p', { class: 'more' }, more));

  const cell = (form, channel) => {
    const input = h('input', { type: 'checkbox', 'aria-label': `${form.name} on ${channel.name}` });
    input.checked = form.channels.some((enabled) => enabled === channel.id);
    input.addEventListener('change', async () => {
      const isOn = input.checked;
      try {
        await request(isOn ? 'PUT' : 'DELETE', `/admin/forms/${form.id}/channels/${channel.id}`);
        notify(`${form.name} is ${isOn ? 'enabled for' : 'disabled for'} ${channel.name}.`);
      } catch (error) {
        input.checked = !isOn;
        notify(error.message, true);
      }
    });
    return h('td', { role: 'cell' }, h('label', {}, input, h('span', { class: 'channel', 'aria-hidden': 'true' }, channel.name)));
  };
  const row = (form) =>
    h('tr', { role: 'row' },
      h('th', { role: 'rowheader', scope: 'row' }, h('a', { class: 'ref', href: href('forms', form.id) }, h('span', { class: 'id' }, form.id), ' ', h('span', { class: 'name' }, form.name))),
      channels.map((channel) => cell(form, channel)));

  async function load(path) {
    let page;
    try {
      [page, channels] = await Promise.all([requestPage(path ?? query('/admin/forms', { limit: PAGE })), allOf('channels')]);
    } catch (error) {
      notice.replaceChildren(failure('The forms', error, () => load()));
      return;
    }
    if (!path) {
      const heading = ({ id, name, type }) => h('th', { role: 'columnheader', scope: 'col', title: type },
        h('a', { class: 'ref', href: href('channels', id) }, h('span', { class: 'id' }, id), ' ', h('span', { class: 'name' }, name)));
      head.replaceChildren(h('th', { role: 'columnheader', scope: 'col' }, 'Form'), ...channels.map(heading));
      body.replaceChildren();
      fitColumns(list, channels.length + 1);
    }
    body.append(...page.rows.map(row));
    next = page.next;
    more.hidden = !next;
    scroll.hidden = body.rows.length === 0;
    notice.replaceChildren(...(body.rows.length ? [] : [emptyState('There are no forms yet. Create one with the button above.')]));
  }

  // Redraws the grid. The checkbox with the focus keeps it.
  const refresh = throttle(500, async () => {
    const label = document.activeElement?.getAttribute('aria-label');
    const hadFocus = body.contains(document.activeElement);
    await load();
    if (hadFocus) [...body.querySelectorAll('[aria-label]')].find((element) => element.getAttribute('aria-label') === label)?.focus();
  });
  const changesGrid = ({ rows }) => rows.some(({ object, action }) => action === 'apply' || /^(forms|channels)\//.test(object));
  const unsubscribe = [on('resync', refresh), on('audit', (batch) => changesGrid(batch) && refresh())];
  return {
    element: h('div', {}, h('p', { class: 'bar' }, button('New form', () => edit('forms', null, () => load()), { class: 'primary' })), list),
    start: () => load(),
    stop: () => unsubscribe.forEach((off) => off()),
  };
}
