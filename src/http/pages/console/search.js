// One search box: it finds rows of every kind by their id, and clients, forms, channels and tokens by their name.

import { fetchAll, findRow, isId, query, request } from './api.js';
import { href } from './address.js';
import { h } from './dom.js';
import { allOf, clientText } from './names.js';

const MAX_RESULTS = 12;

const result = (kind, id, name) => ({ kind, id, text: `${kind.slice(0, -1)} ${id}`, name: name ?? '', address: href(kind, id) });

/** Every kind of row with this id. */
async function byId(id) {
  const rows = await Promise.all([
    ...['clients', 'threads', 'forms', 'channels'].map((kind) => findRow(kind, id)),
    findRow('sends', id),
    findRow('tokens', id),
  ]);
  const [client, thread, form, channel, send, token] = rows;
  return [
    client && result('clients', id, clientText(client)),
    thread && result('threads', id, `${thread.status}, of client ${thread.clientId}`),
    send && result('sends', id, `to client ${send.clientId ?? 'erased'}`),
    form && result('forms', id, form.name),
    channel && result('channels', id, channel.name),
    token && result('tokens', id, token.name),
  ].filter(Boolean);
}

/** Rows whose name, external id or phone begins with the text, and forms, channels and tokens whose name contains it. */
async function byName(text) {
  const lower = text.toLowerCase();
  const [clients, forms, channels, tokens] = await Promise.all([
    request('GET', query('/admin/clients', { q: text, limit: 6 })),
    allOf('forms'),
    allOf('channels'),
    fetchAll('/admin/tokens'),
  ]);
  const named = (kind, rows) => rows.filter(({ name }) => name.toLowerCase().includes(lower)).map((row) => result(kind, row.id, row.name));
  return [...clients.map((row) => result('clients', row.id, [clientText(row), row.phone].filter(Boolean).join(' · '))), ...named('forms', forms), ...named('channels', channels), ...named('tokens', tokens)];
}

async function find(text) {
  const found = await Promise.all([isId(text.replace(/^#/, '')) ? byId(text.replace(/^#/, '')) : [], byName(text)]);
  const unique = new Map(found.flat().map((row) => [row.address, row]));
  return [...unique.values()].slice(0, MAX_RESULTS);
}

/** The box: a combobox, whose list has the rows that were found. */
export function search() {
  let options = [];
  let chosen = -1;
  let asked = '';
  let timer;
  const list = h('ul', { id: 'found', role: 'listbox', 'aria-label': 'Found', hidden: true });
  const input = h('input', {
    type: 'search', placeholder: 'Find a client, thread, send…', 'aria-label': 'Search', role: 'combobox', 'aria-expanded': 'false', 'aria-controls': 'found',
    'aria-autocomplete': 'list', 'aria-keyshortcuts': '/', title: 'Press / to search', spellcheck: 'false', autocomplete: 'off', maxlength: 255,
  });
  const close = () => {
    list.hidden = true;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
  };
  const choose = (index) => {
    chosen = index;
    [...list.children].forEach((option, at) => option.setAttribute('aria-selected', String(at === index)));
    if (index >= 0) input.setAttribute('aria-activedescendant', `found-${index}`);
  };
  const go = (option) => {
    close();
    input.value = '';
    location.hash = option.address;
  };
  const showRows = (...rows) => {
    list.replaceChildren(...rows);
    list.dataset.text = asked;
    list.hidden = false;
    input.setAttribute('aria-expanded', 'true');
  };
  const notOption = (text) => h('li', { role: 'option', 'aria-disabled': 'true', 'aria-selected': 'false', class: 'nothing' }, text);
  const run = async () => {
    const text = input.value.trim();
    asked = text;
    options = [];
    chosen = -1;
    if (!text) return close();
    try {
      const found = await find(text);
      if (asked !== text) return;
      options = found;
      if (!found.length) return showRows(notOption(`Nothing has the id, name, external id or phone “${text}”.`));
      showRows(...found.map((option, index) => h('li', { role: 'option', id: `found-${index}`, 'aria-selected': 'false', onmousedown: (event) => {
        event.preventDefault();
        go(option);
      } }, h('b', {}, option.text), ' ', h('span', {}, option.name))));
      choose(0);
    } catch (error) {
      if (asked === text) showRows(notOption(`The search failed: ${error.message}`));
    }
  };
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(run, 150);
  });
  input.addEventListener('blur', close);
  input.addEventListener('keydown', async (event) => {
    if (event.key === 'Escape') close();
    if (event.key === 'Enter') {
      event.preventDefault();
      clearTimeout(timer);
      if (asked !== input.value.trim()) await run();
      if (options[chosen]) go(options[chosen]);
    }
    if (!['ArrowDown', 'ArrowUp'].includes(event.key) || !options.length) return;
    event.preventDefault();
    choose((chosen + (event.key === 'ArrowDown' ? 1 : options.length - 1)) % options.length);
  });
  return h('div', { class: 'search' }, input, list);
}

addEventListener('keydown', (event) => {
  const isTyping = event.target.closest?.('input, select, textarea, dialog');
  const input = document.querySelector('.search input');
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || isTyping || !input) return;
  event.preventDefault();
  input.focus();
  input.select();
});
