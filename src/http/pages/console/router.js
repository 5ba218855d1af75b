// The sections of the page: the navigation, and the view that the address names.

import { href, readAddress } from './address.js';
import { zoneText } from './clock.js';
import { h } from './dom.js';
import { failure } from './notice.js';
import { sends } from './sends.js';
import { serverInfo } from './session.js';
import { dismiss } from './toast.js';

const load = (module, view) => async () => (await import(`./${module}.js`))[view];

/** A section whose address may name a row: a list, or the details of the row. */
const withDetails = (kind, loadList) => async () => {
  const [list, details] = await Promise.all([loadList(), load('details', 'details')()]);
  return (address) => (address.id === '' ? list(address) : details(kind, address));
};

/**
 * The groups of sections, each section by its name in the address: title, loader, and whether only a fake has it. All modules
 * but the first view's are loaded when they are needed.
 *
 * A view is `{ element, title, start, stop, focus }`. `start` loads its data. `focus` is the element that gets the focus; the
 * default is the heading.
 */
const GROUPS = [
  ['What happens', {
    sends: ['Sends', withDetails('sends', async () => sends)],
    refusals: ['Refused', load('refusals', 'refusals')],
    deliveries: ['Deliveries', load('deliveries', 'deliveries')],
    status: ['Status', load('status', 'status')],
  }],
  ['Rows', {
    clients: ['Clients', withDetails('clients', load('rows', 'clients'))],
    threads: ['Threads', withDetails('threads', load('rows', 'threads'))],
    channels: ['Channels', withDetails('channels', load('rows', 'channels'))],
    forms: ['Forms', withDetails('forms', load('forms', 'forms'))],
  }],
  ['Access', {
    tokens: ['Tokens', withDetails('tokens', load('tokens', 'tokens'))],
    audit: ['Audit', load('audit', 'audit')],
  }],
  ['Test', {
    compose: ['Try a send', load('compose', 'compose'), true],
    fake: ['Clock and faults', load('fake', 'fake'), true],
    worlds: ['Worlds', load('worlds', 'worlds'), true],
  }],
];

const sections = () => Object.fromEntries(GROUPS.flatMap(([, group]) => Object.entries(group)).filter(([, [, , isFakeOnly]]) => serverInfo.fake || !isFakeOnly));

const main = document.getElementById('main');
const nav = document.getElementById('nav');
let view = null;

export function showNavigation() {
  const shown = sections();
  const group = ([name, group]) => {
    const links = Object.keys(group).filter((key) => shown[key]).map((key) => h('li', {}, h('a', { href: href(key) }, group[key][0])));
    return links.length ? h('li', {}, h('span', { class: 'group', 'aria-hidden': 'true' }, name), h('ul', { 'aria-label': name }, links)) : null;
  };
  const about = h('p', { class: 'about' }, h('a', { href: 'docs' }, 'API documentation'), h('span', {}, `surveyd ${serverInfo.version}`), h('span', { title: 'The zone of all times on this page' }, `Times in ${zoneText()}`));
  nav.replaceChildren(h('ul', { class: 'groups' }, GROUPS.map(group)), about);
  nav.hidden = false;
}

export function leave() {
  view?.stop?.();
  view = null;
  nav.hidden = true;
}

/** Shows the view that the address names. `isCurrent` says whether the session goes on. */
export async function show(isCurrent, isFirst = false) {
  const address = readAddress();
  const { hash } = location;
  const shown = sections();
  const name = shown[address.section] ? address.section : 'sends';
  const [title, load] = shown[name];
  const heading = h('h2', { tabindex: -1 }, title);
  let next;
  try {
    next = (await load())(address);
  } catch (error) {
    const element = failure(`The section ${title}`, error instanceof TypeError ? { status: 0 } : error, () => show(isCurrent));
    next = { element };
  }
  // The reader may have signed out or chosen another view while this one was loaded.
  if (!isCurrent() || hash !== location.hash) return;
  view?.stop?.();
  view = next;
  if (!isFirst) dismiss({ onlyErrors: true });
  heading.textContent = view.title ?? title;
  main.replaceChildren(view.title ? h('p', { class: 'path' }, h('a', { href: href(name) }, title)) : '', heading, view.element);
  document.title = `${view.title ?? title} · surveyd`;
  for (const link of nav.querySelectorAll('a')) {
    if (link.hash === `#${name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (!isFirst) (view.focus ?? heading).focus({ preventScroll: true });
  if (!isFirst) scrollTo(0, 0);
  main.dataset.view = name;
  main.setAttribute('aria-busy', 'true');
  const current = view;
  Promise.resolve(view.start?.())
    .catch((error) => view === current && main.append(failure('A part of this section', error, () => show(isCurrent))))
    .finally(() => view === current && main.removeAttribute('aria-busy'));
}
