// Which form is enabled where: a grid of forms and channels to click.

import { all, ask, query } from './api.js';
import { button, empty, h, say } from './dom.js';
import { PAGE } from './list.js';
import { atMost, on } from './live.js';
import { edit } from './rows.js';

/** The view. */
export function forms() {
  const body = h('tbody');
  const head = h('tr');
  const scroll = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Forms and channels' },
    h('table', { class: 'grid' }, h('caption', { class: 'hidden' }, 'Which form is enabled for which channel'), h('thead', {}, head), body));
  const nothing = empty('There are no forms yet. Make one with the button above.');
  let channels = [];
  let last;
  const more = button('More', () => load(last));

  const box = (form, channel) => {
    const input = h('input', { type: 'checkbox', 'aria-label': `${form.name} on ${channel.name}` });
    input.checked = form.channels.some((enabled) => enabled === channel.id);
    input.addEventListener('change', async () => {
      const isOn = input.checked;
      try {
        await ask(isOn ? 'PUT' : 'DELETE', `/admin/forms/${form.id}/channels/${channel.id}`);
        say(`${form.name} is ${isOn ? 'enabled for' : 'disabled for'} ${channel.name}.`);
      } catch (error) {
        input.checked = !isOn;
        say(error.message, true);
      }
    });
    return h('td', {}, h('label', {}, input));
  };
  const row = (form) =>
    h('tr', {},
      h('th', { scope: 'row' }, button(String(form.id), () => edit('forms', form.id), { class: 'link', 'aria-label': `Edit form ${form.id}` }), ` ${form.name}`),
      channels.map((channel) => box(form, channel)));

  async function load(after) {
    const page = await ask('GET', query('/admin/forms', { after, limit: PAGE }));
    if (after === undefined) {
      channels = await all('/admin/channels', 500);
      head.replaceChildren(h('th', { scope: 'col' }, 'Form'), ...channels.map(({ id, name, type }) => h('th', { scope: 'col', title: type }, h('a', { href: `#channels/${id}` }, `${id} ${name}`))));
      body.replaceChildren();
    }
    body.append(...page.map(row));
    last = page.at(-1)?.id ?? last;
    more.hidden = page.length < PAGE;
    nothing.hidden = body.rows.length > 0;
    scroll.hidden = body.rows.length === 0;
  }

  // A box that has just been clicked keeps the focus when the grid is drawn anew.
  const refresh = atMost(500, async () => {
    const label = document.activeElement?.getAttribute('aria-label');
    const had = body.contains(document.activeElement);
    await load().catch(() => {});
    if (had) [...body.querySelectorAll('[aria-label]')].find((element) => element.getAttribute('aria-label') === label)?.focus();
  });
  const isOfGrid = ({ rows }) => rows.some(({ object, action }) => action === 'apply' || /^(forms|channels)\//.test(object));
  const ends = [on('begin', refresh), on('audit', (batch) => isOfGrid(batch) && refresh())];
  return {
    element: h('div', {},
      h('p', { class: 'bar' }, button('New form', () => edit('forms'), { class: 'primary' }), button('New channel', () => edit('channels'))),
      nothing, scroll, h('p', { class: 'more' }, more)),
    begin: () => load(),
    end: () => ends.forEach((end) => end()),
  };
}
