// A grid of forms and channels: a checkbox enables a form for a channel.

import { fetchAll, query, request } from './api.js';
import { button, emptyState, h, notify } from './dom.js';
import { PAGE } from './list.js';
import { on, throttle } from './live.js';
import { edit } from './rows.js';

export function forms() {
  const body = h('tbody');
  const head = h('tr');
  const scroll = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Forms and channels' },
    h('table', { class: 'grid' }, h('caption', { class: 'hidden' }, 'Forms and the channels that they are enabled for'), h('thead', {}, head), body));
  const nothing = emptyState('There are no forms yet. Create one with the button above.');
  let channels = [];
  let last;
  const more = button('More', () => load(last));

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
    return h('td', {}, h('label', {}, input));
  };
  const row = (form) =>
    h('tr', {},
      h('th', { scope: 'row' }, button(String(form.id), () => edit('forms', form.id), { class: 'link', 'aria-label': `Edit form ${form.id}` }), ` ${form.name}`),
      channels.map((channel) => cell(form, channel)));

  async function load(after) {
    const page = await request('GET', query('/admin/forms', { after, limit: PAGE }));
    if (after === undefined) {
      channels = await fetchAll('/admin/channels', 500);
      head.replaceChildren(h('th', { scope: 'col' }, 'Form'), ...channels.map(({ id, name, type }) => h('th', { scope: 'col', title: type }, h('a', { href: `#channels/${id}` }, `${id} ${name}`))));
      body.replaceChildren();
    }
    body.append(...page.map(row));
    last = page.at(-1)?.id ?? last;
    more.hidden = page.length < PAGE;
    nothing.hidden = body.rows.length > 0;
    scroll.hidden = body.rows.length === 0;
  }

  // Redraws the grid. The checkbox with the focus keeps it.
  const refresh = throttle(500, async () => {
    const label = document.activeElement?.getAttribute('aria-label');
    const hadFocus = body.contains(document.activeElement);
    await load().catch(() => {});
    if (hadFocus) [...body.querySelectorAll('[aria-label]')].find((element) => element.getAttribute('aria-label') === label)?.focus();
  });
  const changesGrid = ({ rows }) => rows.some(({ object, action }) => action === 'apply' || /^(forms|channels)\//.test(object));
  const unsubscribe = [on('resync', refresh), on('audit', (batch) => changesGrid(batch) && refresh())];
  return {
    element: h('div', {},
      h('p', { class: 'bar' }, button('New form', () => edit('forms'), { class: 'primary' }), button('New channel', () => edit('channels'))),
      nothing, scroll, h('p', { class: 'more' }, more)),
    start: () => load(),
    stop: () => unsubscribe.forEach((off) => off()),
  };
}
