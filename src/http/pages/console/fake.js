// The tools of a fake: worlds, clock and faults.

import { parseId, request } from './api.js';
import { badge, button, confirmButton, emptyState, field, form, h, notify, select, time } from './dom.js';
import { connect } from './live.js';

const DEFAULT_WORLD = 'default world';

const EFFECTS = [['status', 'answer a status'], ['delay', 'delay only'], ['reset', 'reset the connection'], ['truncate', 'truncate the answer'], ['after_commit', 'send, then cut the connection']];

function clock() {
  const reading = h('p', { 'aria-live': 'polite' });
  const show = ({ now, real, ticking }) => reading.replaceChildren(time(now), ' ', badge(real ? 'real time' : ticking ? 'set, running' : 'stopped', real ? 'success' : 'pending'));
  const set = async (body) => show(await request('PUT', '/admin/clock', body));
  const steps = [['1 min', 'PT1M'], ['1 hour', 'PT1H'], ['1 day', 'PT24H']];
  const stopForm = form((data) => set({ now: data.now.trim() }), { class: 'bar' },
    field('Stop at (UTC)', h('input', { name: 'now', placeholder: '2030-01-01T00:00:00Z', required: true, spellcheck: 'false' })),
    h('button', {}, 'Stop'));
  return {
    element: h('section', { class: 'card', 'aria-label': 'Clock' }, h('h3', {}, 'Clock'), reading,
      h('p', { class: 'buttons' }, steps.map(([label, advance]) => button(`+ ${label}`, () => set({ advance }))), button('Real time', () => set({ real: true }))), stopForm),
    refresh: async () => show(await request('GET', '/admin/clock')),
  };
}

function faults() {
  const list = h('ol');
  const nothing = emptyState('No faults. A fault applies to the next sends that match it.');
  const refresh = async () => {
    const faults = await request('GET', '/admin/faults');
    list.replaceChildren(...faults.map((fault) => h('li', {}, h('code', {}, Object.entries(fault).map(([name, value]) => `${name} ${value}`).join(', ')))));
    nothing.hidden = faults.length > 0;
  };
  const number = (name, label, value = '') => field(label, h('input', { name, value, inputmode: 'numeric', pattern: '[0-9]*', size: 6 }));
  const addForm = form(
    async (data) => {
      const fault = data.kind === 'status' ? { status: Number(data.status) } : data.kind === 'delay' ? {} : { [data.kind]: true };
      for (const name of ['times', 'delay', 'retryAfter']) if (data[name]) fault[name] = Number(data[name]);
      for (const name of ['client', 'thread', 'form']) if (data[name]) fault[name] = parseId(data[name], name);
      await request('POST', '/admin/faults', fault);
      await refresh();
    },
    { class: 'fields', 'aria-label': 'Add a fault' },
    field('Effect on the next sends', select('kind', EFFECTS)),
    number('status', 'Status', '503'),
    number('times', 'Times', '1'),
    number('delay', 'Delay, ms'),
    number('retryAfter', 'Retry-After, s'),
    number('client', 'Only client'),
    number('thread', 'Only thread'),
    number('form', 'Only form'),
    h('button', { class: 'primary' }, 'Add fault'),
  );
  const clear = button('Delete all faults', async () => {
    await request('DELETE', '/admin/faults');
    await refresh();
  });
  return {
    element: h('section', { class: 'card', 'aria-label': 'Faults' }, h('h3', {}, 'Faults'), nothing, list, addForm, h('p', { class: 'buttons' }, button('Refresh', refresh), clear)),
    refresh,
  };
}

function worlds(page) {
  const list = h('p', { class: 'buttons' });
  const refresh = async () => {
    const worlds = await request('GET', '/admin/worlds');
    list.replaceChildren(...worlds.map(({ name }) => button(name || DEFAULT_WORLD, () => page.openWorld(name), `@${name}` === (page.suffix() || '@') ? { 'aria-current': 'true' } : {})));
  };
  return {
    element: h('section', { class: 'card', 'aria-label': 'Worlds' }, h('h3', {}, 'Worlds'),
      h('p', {}, 'The worlds that were used. Choose one to open it.'), list, h('p', { class: 'buttons' }, button('Refresh', refresh))),
    refresh,
  };
}

export function fake(page) {
  const parts = [worlds(page), clock(), faults()];
  const refresh = () => Promise.all(parts.map((part) => part.refresh()));
  const world = h('section', { class: 'card', 'aria-label': 'World' },
    h('h3', {}, 'World ', h('code', {}, page.suffix() || DEFAULT_WORLD)),
    h('p', {}, 'Each world is a database of its own. To open another world, enter its name at the top of the page. A new world has the initial data.'),
    h('p', { class: 'buttons' },
      confirmButton('Reset', async () => {
        await request('POST', '/admin/reset');
        connect(page.setState);
        await refresh();
        notify('The world was reset to its initial data.');
      }),
      confirmButton('Delete', async () => {
        await request('DELETE', '/admin/world');
        notify('The world was deleted.');
        await page.openWorld('');
      })));
  return { element: h('div', { class: 'cards' }, world, ...parts.map((part) => part.element)), start: refresh };
}
