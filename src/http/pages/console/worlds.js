// The worlds of a fake: a list to search, and the world that is open.

import { request, requestAs } from './api.js';
import { ask, button } from './controls.js';
import { card, count, h } from './dom.js';
import { on } from './live.js';
import { emptyState, failure } from './notice.js';
import { openWorld, worldName } from './session.js';
import { notify } from './toast.js';

const NAME = /^[A-Za-z0-9._-]{1,64}$/;

const nameOf = (name) => name || 'default world';

function current() {
  const name = nameOf(worldName());
  return card(`World: ${name}`,
    h('p', {}, 'Each world is a database of its own. The part of a token after @ names it, such as test-crm@my-test.'),
    h('p', { class: 'buttons' },
      button('Reset', () => ask(`Reset ${name}?`, 'The world gets its initial data again. Its sends, refusals and faults are gone, and its clock shows the real time.', 'Reset', async () => {
        await request('POST', '/admin/reset');
        openWorld(worldName());
        notify('The world was reset to its initial data.');
      }), { class: 'danger' }),
      button('Delete', () => ask(`Delete ${name}?`, 'The world is deleted with all its data. The next token that names it makes it anew.', 'Delete', async () => {
        await request('DELETE', '/admin/world');
        openWorld('');
        notify('The world was deleted.');
      }), { class: 'danger' })));
}

export function worlds() {
  let all = [];
  const list = h('ul', { class: 'worlds', 'aria-label': 'Worlds' });
  const notice = h('div', { 'aria-live': 'polite' });
  const input = h('input', { type: 'search', placeholder: 'Name of a world', 'aria-label': 'Find a world', spellcheck: 'false', autocapitalize: 'none', maxlength: 64, size: 24 });
  const matching = () => all.filter(({ name }) => nameOf(name).toLowerCase().includes(input.value.trim().toLowerCase()));
  const row = ({ name, sends }) => h('li', {}, button([h('b', {}, nameOf(name)), ' ', h('span', {}, sends)], () => openWorld(name), { 'aria-current': name === worldName() ? 'true' : false }));
  /** Fills in how many sends each world has, one world after another. */
  const countSends = async (found, rows) => {
    for (const [index, world] of found.entries()) {
      if (!rows[index].isConnected) return;
      const status = await requestAs(world.admin, '/admin/status').catch(() => null);
      if (!status) continue;
      world.sends = count(status.sends.total, 'send');
      rows[index].querySelector('span').textContent = world.sends;
    }
  };
  const draw = () => {
    const text = input.value.trim();
    const found = matching();
    const rows = found.map(row);
    list.replaceChildren(...rows);
    countSends(found, rows);
    const isNew = text && !all.some(({ name }) => name === text);
    const create = isNew && NAME.test(text) ? button(`Create the world “${text}”`, () => openWorld(text)) : null;
    if (found.length && !isNew) return notice.replaceChildren();
    const none = found.length ? '' : `No world has a name with “${text}”. `;
    return notice.replaceChildren(emptyState(none, create ?? (isNew ? 'A name has up to 64 of the characters A-Z a-z 0-9 . _ -' : '')));
  };
  const refresh = async () => {
    try {
      all = await request('GET', '/admin/worlds');
      draw();
    } catch (error) {
      notice.replaceChildren(failure('The worlds', error, refresh));
    }
  };
  input.addEventListener('input', draw);
  const off = on('resync', refresh);
  return {
    element: h('div', {}, current(), h('h3', {}, 'All worlds'), h('p', { class: 'bar' }, input, button('Refresh', refresh)), notice, list),
    start: refresh,
    focus: input,
    stop: off,
  };
}
