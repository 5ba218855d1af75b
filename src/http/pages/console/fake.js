// The tools of a fake: clock and faults.

import { parseId, request } from './api.js';
import { onClockSet } from './clock.js';
import { button, field, form, select } from './controls.js';
import { badge, card, h } from './dom.js';
import { emptyState, failure } from './notice.js';
import { clockRead } from './session.js';
import { exactTime } from './time.js';

const EFFECTS = [['status', 'answer a status'], ['delay', 'delay only'], ['reset', 'reset the connection'], ['truncate', 'truncate the answer'], ['after_commit', 'send, then cut the connection']];

function clock() {
  const reading = h('p', { 'aria-live': 'polite', class: 'reading' });
  const show = (state) => {
    const { now, real, ticking } = state;
    clockRead(state);
    reading.replaceChildren(h('b', {}, exactTime(now).split('\n')[0].replace(/\.\d{3}/, '')), ' ', badge(real ? 'real time' : ticking ? 'set, running' : 'stopped', real ? 'success' : 'pending'));
  };
  const set = async (body) => show(await request('PUT', '/admin/clock', body));
  const refresh = async () => {
    try {
      show(await request('GET', '/admin/clock'));
    } catch (error) {
      reading.replaceChildren(failure('The clock', error, refresh));
    }
  };
  const steps = [['1 min', 'PT1M'], ['1 hour', 'PT1H'], ['1 day', 'PT24H']];
  const stopForm = form((data) => set({ now: data.now.trim() }), { class: 'bar' },
    field('Stop at (UTC)', h('input', { name: 'now', placeholder: '2030-01-01T00:00:00Z', required: true, spellcheck: 'false', size: 22 })),
    h('button', {}, 'Stop'));
  return {
    element: card('Clock', reading,
      h('p', { class: 'buttons' }, steps.map(([label, advance]) => button(`+ ${label}`, () => set({ advance }))), button('Real time', () => set({ real: true }))), stopForm),
    refresh,
  };
}

/** A fault in words. */
function faultText(fault) {
  return Object.entries(fault).map(([name, value]) => `${name} ${value}`).join(', ');
}

function faults() {
  const list = h('ol');
  const notice = h('div', {});
  const refresh = async () => {
    try {
      const faults = await request('GET', '/admin/faults');
      list.replaceChildren(...faults.map((fault) => h('li', {}, h('code', {}, faultText(fault)))));
      notice.replaceChildren(...(faults.length ? [] : [emptyState('No faults. A fault applies to the next sends that match it.')]));
    } catch (error) {
      notice.replaceChildren(failure('The faults', error, refresh));
    }
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
  return { element: card('Faults', notice, list, addForm, h('p', { class: 'buttons' }, button('Refresh', refresh), clear)), refresh };
}

export function fake() {
  const parts = [clock(), faults()];
  const [{ refresh }] = parts;
  const off = onClockSet(() => refresh());
  return {
    element: h('div', { class: 'cards' }, parts.map((part) => part.element)),
    start: () => Promise.all(parts.map((part) => part.refresh())),
    stop: off,
  };
}
