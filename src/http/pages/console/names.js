// Links to rows, with their names next to their ids. The names are loaded after the ids are shown.

import { fetchAll, findRow } from './api.js';
import { href } from './address.js';
import { h } from './dom.js';
import { on } from './live.js';

/** How many clients are looked up at the same time: a browser has six connections to a server, and one is for events. */
const LOOKUPS = 3;
/** How many names of clients are kept. */
const MAX_NAMES = 5000;

let whole = {};
let clients = new Map();
let waiting = new Map();
let running = 0;

/** All forms or all channels: they are few. A list is kept until one of them changes. */
export function allOf(kind) {
  whole[kind] ??= fetchAll(`/admin/${kind}`, 5000).catch((error) => {
    delete whole[kind];
    throw error;
  });
  return whole[kind];
}

function forget() {
  whole = {};
  clients = new Map();
}

on('resync', forget);
on('audit', ({ rows }) => {
  if (rows.some(({ object, action }) => action === 'apply' || /^(clients|forms|channels)\//.test(object))) forget();
});

/** What a client is called, in one line. */
export const clientText = (client) => [client?.name, client?.externalId].filter(Boolean).join(' · ');

async function lookUp(id, elements) {
  const client = await findRow('clients', id);
  if (clients.size >= MAX_NAMES) clients.clear();
  clients.set(id, client);
  for (const element of elements) {
    element.textContent = clientText(client) || element.textContent;
    element.removeAttribute('aria-busy');
  }
}

function run() {
  while (running < LOOKUPS && waiting.size) {
    const [id, elements] = waiting.entries().next().value;
    waiting.delete(id);
    // In a flood of sends, a row may leave the page before its name is looked up.
    if (!elements.some((element) => element.isConnected)) continue;
    running += 1;
    lookUp(id, elements).catch(() => {}).finally(() => {
      running -= 1;
      run();
    });
  }
}

function fillClient(element, id) {
  if (clients.has(id)) {
    element.textContent = clientText(clients.get(id)) || element.textContent;
    return;
  }
  if (!waiting.has(id)) waiting.set(id, []);
  waiting.get(id).push(element);
  element.ariaBusy = 'true';
  // The row is in the page by then.
  setTimeout(run, 20);
}

/** A link to the details of a row; `known` is what is known of its name. */
export function link(kind, id, known = '') {
  if (id === null || id === undefined || id === '') return '–';
  const name = h('span', { class: 'name' }, known);
  const element = h('a', { class: 'ref', href: href(kind, id) }, h('span', { class: 'id' }, String(id)), ' ', name);
  if (kind === 'clients') fillClient(name, String(id));
  if (kind === 'forms' || kind === 'channels') {
    allOf(kind).then((rows) => (name.textContent = rows.find((row) => String(row.id) === String(id))?.name ?? known), () => {});
  }
  return element;
}

/** A link to the tokens with a name. A row of a send has the name of its token, not its id. */
export const tokenLink = (name) => (name ? h('a', { class: name.length > 20 ? 'ref' : 'ref whole', href: href('tokens', '', { name }) }, name) : '–');

/** A link to a send. */
export const sendLink = (id) => h('a', { class: 'ref', href: href('sends', id) }, `#${id}`);
