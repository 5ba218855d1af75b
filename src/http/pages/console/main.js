// The page: who looks on, and at what.

import { ask, known, use } from './api.js';
import { empty, h, say } from './dom.js';
import { flag } from './flag.js';
import { begin, end } from './live.js';
import { sends } from './sends.js';

const byId = (name) => document.getElementById(name);

const viewOf = (name) => async () => (await import(`./${name}.js`))[name];
const rowsOf = (list) => async () => {
  const rows = await viewOf('rows')();
  return (_, number) => rows(list, number);
};

/**
 * What there is to look at, by the word in the address, and where it comes from: all but the first is fetched when that is
 * there. The last are a fake's alone.
 */
const VIEWS = {
  sends: ['Sends', async () => sends],
  refusals: ['Refused', viewOf('refusals')],
  deliveries: ['Deliveries', viewOf('deliveries')],
  forms: ['Forms', viewOf('forms')],
  clients: ['Clients', rowsOf('clients')],
  threads: ['Threads', rowsOf('threads')],
  channels: ['Channels', rowsOf('channels')],
  tokens: ['Tokens', viewOf('tokens')],
  audit: ['Audit', viewOf('audit')],
  compose: ['Try a send', viewOf('compose'), true],
  fake: ['World, clock, faults', viewOf('fake'), true],
};

let view = null;
let theFlag = null;
let isOpen = false;

/** What stands behind a token: the world, at a fake. A token may name one itself. */
function suffix() {
  const [, named] = byId('token').value.trim().split('@');
  const world = named ?? byId('world').value.trim();
  return known.fake && world ? `@${world}` : '';
}

const STATES = { opening: 'Opening…', live: 'Live', lost: 'Connection lost, trying again…' };

function tellState(state) {
  if (state === 'refused') return close('This token is good no more: it was revoked, or it has expired.');
  byId('state').textContent = STATES[state] ?? '';
  byId('state').className = state;
}

/** What the views may want to know of the page. */
const hints = {
  suffix,
  tellState,
  enterWorld(name) {
    const [token] = byId('token').value.split('@');
    byId('token').value = token;
    byId('world').value = name;
    return open();
  },
  get nothingSent() {
    const first = 'Nothing was sent yet, or nothing that the filter lets through. ';
    if (known.fake) return [first, h('a', { href: '#compose' }, 'Try a send'), ', or let your program send one with the token test-crm.'];
    return [first, 'Turn the switch on, make a ', h('a', { href: '#tokens' }, 'token'), ' of role INTEGRATOR, and what it sends appears here by itself.'];
  },
};

/** Shows what the address names. */
async function show(isFirst = false) {
  const { hash } = location;
  const [name, argument] = hash.slice(1).split('/');
  const word = VIEWS[name] && (known.fake || !VIEWS[name][2]) ? name : 'sends';
  const [title, load] = VIEWS[word];
  const make = await load();
  // Whoever has gone on meanwhile looks at something else.
  if (!isOpen || hash !== location.hash) return;
  view?.end?.();
  view = make(hints, argument && decodeURIComponent(argument));
  const heading = h('h2', { tabindex: -1 }, title);
  byId('main').replaceChildren(heading, view.element);
  document.title = `${title} · surveyd`;
  for (const link of byId('nav').querySelectorAll('a')) {
    if (link.hash === `#${word}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (!isFirst) (view.focus ?? heading).focus();
  const shown = view;
  byId('main').dataset.view = word;
  byId('main').setAttribute('aria-busy', 'true');
  Promise.resolve(view.begin?.())
    .catch((error) => say(error.message, true))
    .finally(() => {
      if (view === shown) byId('main').removeAttribute('aria-busy');
      if (isFirst) Object.values(VIEWS).forEach(([, load]) => load().catch(() => {}));
    });
}

let opening = null;

async function open() {
  end();
  tellState('opening');
  const mine = (opening = {});
  const [secret] = byId('token').value.trim().split('@');
  use(secret + suffix());
  const settings = await ask('GET', '/admin/settings').catch((error) => {
    // What is in sight would be another world's, or another one's.
    if (mine === opening) close();
    const isUnknown = error.status === 401 || error.status === 403;
    throw isUnknown ? new Error(`${error.message}. It takes the token of an administrator.`) : error;
  });
  // Whoever has opened another one meanwhile looks at that.
  if (mine !== opening) return;
  isOpen = true;
  byId('nav').hidden = false;
  byId('close').hidden = known.fake;
  byId('token-label').hidden = byId('open').hidden = !known.fake;
  theFlag?.end();
  theFlag = flag(settings);
  byId('flag').replaceChildren(theFlag.element);
  await show(true).catch((error) => say(error.message, true));
  if (mine !== opening) return;
  theFlag.begin().catch((error) => say(error.message, true));
  begin(tellState, true);
}

function close(words) {
  end();
  use(null);
  opening = null;
  isOpen = false;
  view?.end?.();
  theFlag?.end();
  view = theFlag = null;
  byId('nav').hidden = byId('close').hidden = true;
  byId('token-label').hidden = byId('open').hidden = false;
  byId('state').textContent = '';
  byId('flag').replaceChildren();
  if (!known.fake) byId('token').value = '';
  byId('main').replaceChildren(
    h('h2', {}, 'Who are you?'),
    empty(words ? `${words} ` : '', 'Type the token of an administrator, at the top. ', h('code', {}, 'surveyd token create --name me --role admin'), ' makes one. It is kept in the memory of this tab alone.'),
  );
  if (!known.token) byId('token').focus();
}

byId('access').addEventListener('submit', (event) => {
  event.preventDefault();
  open().catch((error) => say(error.message, true));
});
byId('close').addEventListener('click', () => close());
addEventListener('hashchange', () => show().catch((error) => say(error.message, true)));

Object.assign(known, await (await fetch('/console.json')).json());
byId('nav').append(h('ul', {}, Object.entries(VIEWS).filter(([, view]) => known.fake || !view[2]).map(([word, [title]]) => h('li', {}, h('a', { href: `#${word}` }, title)))));
byId('kind').hidden = byId('world-label').hidden = !known.fake;
if (known.token) {
  // Everybody knows it: it is filled in, in plain sight, and used.
  byId('token').type = 'text';
  byId('token').value = known.token;
  open().catch((error) => say(error.message, true));
} else {
  close();
}
