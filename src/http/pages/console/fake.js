// What only a fake has: its worlds, its clock, its faults.

import { ask, id } from './api.js';
import { badge, button, choice, empty, field, form, h, say, sureButton, time } from './dom.js';
import { begin as listenAnew } from './live.js';

const FAULTS = [['status', 'get a status'], ['delay', 'only wait'], ['reset', 'are cut off'], ['truncate', 'get half an answer'], ['after_commit', 'send, then are cut off']];

function clock() {
  const reading = h('p', { 'aria-live': 'polite' });
  const show = ({ now, real, ticking }) => reading.replaceChildren(time(now), ' ', badge(real ? 'real time' : ticking ? 'set, goes on' : 'stands still', real ? 'good' : 'wait'));
  const set = async (body) => show(await ask('PUT', '/admin/clock', body));
  const ahead = [['1 min', 'PT1M'], ['1 hour', 'PT1H'], ['1 day', 'PT24H']];
  const at = form((data) => set({ now: data.now.trim() }), { class: 'bar' },
    field('Stop it at (UTC)', h('input', { name: 'now', placeholder: '2030-01-01T00:00:00Z', required: true, spellcheck: 'false' })),
    h('button', {}, 'Stop'));
  return {
    element: h('section', { class: 'card', 'aria-label': 'Clock' }, h('h3', {}, 'Clock'), reading,
      h('p', { class: 'buttons' }, ahead.map(([words, advance]) => button(`+ ${words}`, () => set({ advance }))), button('Real time', () => set({ real: true }))), at),
    begin: async () => show(await ask('GET', '/admin/clock')),
  };
}

function faults() {
  const list = h('ol');
  const nothing = empty('No faults wait. Add one, and the next calls that it fits meet it.');
  const refresh = async () => {
    const waiting = await ask('GET', '/admin/faults');
    list.replaceChildren(...waiting.map((fault) => h('li', {}, h('code', {}, Object.entries(fault).map(([name, value]) => `${name} ${value}`).join(', ')))));
    nothing.hidden = waiting.length > 0;
  };
  const number = (name, words, value = '') => field(words, h('input', { name, value, inputmode: 'numeric', pattern: '[0-9]*', size: 6 }));
  const add = form(
    async (data) => {
      const fault = data.kind === 'status' ? { status: Number(data.status) } : data.kind === 'delay' ? {} : { [data.kind]: true };
      for (const name of ['times', 'delay', 'retryAfter']) if (data[name]) fault[name] = Number(data[name]);
      for (const name of ['client', 'thread', 'form']) if (data[name]) fault[name] = id(data[name], name);
      await ask('POST', '/admin/faults', fault);
      await refresh();
    },
    { class: 'fields', 'aria-label': 'Add a fault' },
    field('The next sends', choice('kind', FAULTS)),
    number('status', 'Status', '503'),
    number('times', 'Times', '1'),
    number('delay', 'Delay, ms'),
    number('retryAfter', 'Retry-After, s'),
    number('client', 'Only client'),
    number('thread', 'Only thread'),
    number('form', 'Only form'),
    h('button', { class: 'primary' }, 'Add the fault'),
  );
  const clear = button('Drop all faults', async () => {
    await ask('DELETE', '/admin/faults');
    await refresh();
  });
  return {
    element: h('section', { class: 'card', 'aria-label': 'Faults' }, h('h3', {}, 'Faults'), nothing, list, add, h('p', { class: 'buttons' }, button('Look again', refresh), clear)),
    begin: refresh,
  };
}

function worlds(hints) {
  const list = h('p', { class: 'buttons' });
  const refresh = async () => {
    const all = await ask('GET', '/admin/worlds');
    list.replaceChildren(...all.map(({ name }) => button(name || 'the first one', () => hints.enterWorld(name), `@${name}` === (hints.suffix() || '@') ? { 'aria-current': 'true' } : {})));
  };
  return {
    element: h('section', { class: 'card', 'aria-label': 'Worlds' }, h('h3', {}, 'Worlds'),
      h('p', {}, 'Those that somebody has been in; press one to look into it.'), list, h('p', { class: 'buttons' }, button('Look again', refresh))),
    begin: refresh,
  };
}

/** The view. */
export function fake(hints) {
  const parts = [worlds(hints), clock(), faults()];
  const refresh = () => Promise.all(parts.map((part) => part.begin()));
  const world = h('section', { class: 'card', 'aria-label': 'World' },
    h('h3', {}, 'World ', h('code', {}, hints.suffix() || 'the first one')),
    h('p', {}, 'Each world is a database of its own; the field at the top of the page leads to another, which begins as the sample when it is first named.'),
    h('p', { class: 'buttons' },
      sureButton('Put it back', async () => {
        await ask('POST', '/admin/reset');
        listenAnew(hints.tellState);
        await refresh();
        say('The world is as it was at the start.');
      }),
      sureButton('Drop it', async () => {
        await ask('DELETE', '/admin/world');
        say('The world is dropped.');
        await hints.enterWorld('');
      })));
  return { element: h('div', { class: 'cards' }, world, ...parts.map((part) => part.element)), begin: refresh };
}
