// The page: sign in, navigation, and the state of the connection.

import { local, request, serverInfo, setToken } from './api.js';
import { emptyState, h, notify } from './dom.js';
import { flag } from './flag.js';
import { connect, disconnect } from './live.js';
import { sends } from './sends.js';

const byId = (name) => document.getElementById(name);

const loadView = (name) => async () => (await import(`./${name}.js`))[name];
const loadRows = (kind) => async () => {
  const rows = await loadView('rows')();
  return (_, number) => rows(kind, number);
};

/**
 * The views by their name in the address: title, loader, and whether only a fake has the view. All modules but the first are
 * loaded after the first view is shown.
 *
 * A view is `{ element, start, stop, focus }`. `start` loads its data. `focus` is the element that gets the focus; the default
 * is the heading.
 */
const VIEWS = {
  sends: ['Sends', async () => sends],
  refusals: ['Refusals', loadView('refusals')],
  deliveries: ['Deliveries', loadView('deliveries')],
  forms: ['Forms', loadView('forms')],
  clients: ['Clients', loadRows('clients')],
  threads: ['Threads', loadRows('threads')],
  channels: ['Channels', loadRows('channels')],
  tokens: ['Tokens', loadView('tokens')],
  audit: ['Audit', loadView('audit')],
  compose: ['Try a send', loadView('compose'), true],
  fake: ['World, clock, faults', loadView('fake'), true],
};

let view = null;
let flagSwitch = null;
let isSignedIn = false;

/** The `@world` part of a token. A world in the token field takes precedence over the world field. */
function suffix() {
  const [, named] = byId('token').value.trim().split('@');
  const world = named ?? byId('world').value.trim();
  return serverInfo.fake && world ? `@${world}` : '';
}

const STATES = { opening: 'Connecting…', live: 'Live', lost: 'Connection lost. Reconnecting…' };

function setState(state) {
  if (state === 'refused') return signOut('This token is no longer valid: it was revoked or has expired.');
  byId('state').textContent = STATES[state] ?? '';
  byId('state').className = state;
}

/** What the views use of the page. */
const page = {
  suffix,
  setState,
  openWorld(name) {
    const [token] = byId('token').value.split('@');
    byId('token').value = token;
    byId('world').value = name;
    return signIn();
  },
  get noSendsText() {
    const none = 'No sends yet, or none that match the filter. ';
    if (serverInfo.fake) return [none, h('a', { href: '#compose' }, 'Try a send'), ', or let your program send with the token test-crm.'];
    return [none, 'Turn surveys on, create a ', h('a', { href: '#tokens' }, 'token'), ' of role INTEGRATOR, and send with it. New sends appear here without a reload.'];
  },
};

/** Shows the view that the address names. */
async function show(isFirst = false) {
  const { hash } = location;
  const [requested, argument] = hash.slice(1).split('/');
  const name = VIEWS[requested] && (serverInfo.fake || !VIEWS[requested][2]) ? requested : 'sends';
  const [title, load] = VIEWS[name];
  const create = await load();
  // The reader may have signed out or chosen another view while this one was loaded.
  if (!isSignedIn || hash !== location.hash) return;
  view?.stop?.();
  view = create(page, argument && decodeURIComponent(argument));
  const heading = h('h2', { tabindex: -1 }, title);
  byId('main').replaceChildren(heading, view.element);
  document.title = `${title} · surveyd`;
  for (const link of byId('nav').querySelectorAll('a')) {
    if (link.hash === `#${name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (!isFirst) (view.focus ?? heading).focus();
  const shown = view;
  byId('main').dataset.view = name;
  byId('main').setAttribute('aria-busy', 'true');
  Promise.resolve(view.start?.())
    .catch((error) => notify(error.message, true))
    .finally(() => {
      if (view === shown) byId('main').removeAttribute('aria-busy');
      if (isFirst) Object.values(VIEWS).forEach(([, load]) => load().catch(() => {}));
    });
}

let attempt = null;

async function signIn() {
  disconnect();
  setState('opening');
  const current = (attempt = {});
  const [secret] = byId('token').value.trim().split('@');
  setToken(secret + suffix());
  const settings = await request('GET', '/admin/settings').catch((error) => {
    // The data on the page belongs to another token or world.
    if (current === attempt) signOut();
    const isRefused = error.status === 401 || error.status === 403;
    throw isRefused ? new Error(`${error.message}. The console needs a token of role ADMIN.`) : error;
  });
  // The reader may have signed in again during the request.
  if (current !== attempt) return;
  isSignedIn = true;
  byId('nav').hidden = false;
  byId('close').hidden = serverInfo.fake;
  byId('token-label').hidden = byId('open').hidden = !serverInfo.fake;
  flagSwitch?.stop();
  flagSwitch = flag(settings);
  byId('flag').replaceChildren(flagSwitch.element);
  await show(true).catch((error) => notify(error.message, true));
  if (current !== attempt) return;
  flagSwitch.start().catch((error) => notify(error.message, true));
  connect(setState, true);
}

function signOut(reason) {
  disconnect();
  setToken(null);
  attempt = null;
  isSignedIn = false;
  view?.stop?.();
  flagSwitch?.stop();
  view = flagSwitch = null;
  byId('nav').hidden = byId('close').hidden = true;
  byId('token-label').hidden = byId('open').hidden = false;
  byId('state').textContent = '';
  byId('flag').replaceChildren();
  if (!serverInfo.fake) byId('token').value = '';
  byId('main').replaceChildren(
    h('h2', {}, 'Sign in'),
    emptyState(
      reason ? `${reason} ` : '',
      'Enter a token of role ADMIN at the top. ',
      ...(serverInfo.fake
        ? ['That of a fake is ', h('code', {}, 'test-admin')]
        : ['To create one, run ', h('code', {}, `surveyd token create --name me --role admin ${serverInfo.databaseArgument}`), ' on the machine of the server']),
      '. The token is kept only in the memory of this tab.',
    ),
  );
  if (!serverInfo.token) byId('token').focus();
}

byId('access').addEventListener('submit', (event) => {
  event.preventDefault();
  signIn().catch((error) => notify(error.message, true));
});
byId('close').addEventListener('click', () => signOut());
addEventListener('hashchange', () => show().catch((error) => notify(error.message, true)));

Object.assign(serverInfo, await (await fetch(local('/console.json'))).json());
byId('nav').append(h('ul', {}, Object.entries(VIEWS).filter(([, [, , isFakeOnly]]) => serverInfo.fake || !isFakeOnly).map(([name, [title]]) => h('li', {}, h('a', { href: `#${name}` }, title)))));
byId('kind').hidden = byId('world-label').hidden = !serverInfo.fake;
if (serverInfo.fake) byId('open').textContent = 'Open';
if (serverInfo.token) {
  // The token of a fake is public, so the page shows it and signs in with it.
  byId('token').type = 'text';
  byId('token').value = serverInfo.token;
  signIn().catch((error) => notify(error.message, true));
} else {
  signOut();
}
