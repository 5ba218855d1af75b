// The page: sign in, sign out, and the state of the connection.

import { local, request } from './api.js';
import { clockState, onClockSet, setClock } from './clock.js';
import { button, field, form } from './controls.js';
import { h } from './dom.js';
import { flag } from './flag.js';
import { connect, disconnect } from './live.js';
import { failure } from './notice.js';
import { leave, show, showNavigation } from './router.js';
import { search } from './search.js';
import { endSession, savedToken, serverInfo, startSession, worldName } from './session.js';
import { dismiss, notify } from './toast.js';

const byId = (name) => document.getElementById(name);

let flagSwitch = null;
/** The session that is open, or null; a new object for each. */
let session = null;
let clockTimer;

const STATES = { opening: 'Connecting…', live: 'Live', lost: 'Reconnecting…' };

function setState(state) {
  if (state === 'refused') return signOut('This token is no longer valid: it was revoked or has expired.');
  byId('state').textContent = STATES[state] ?? '';
  byId('state').className = state;
  byId('state').title = state === 'lost' ? 'The connection to the server is lost. What you see may be out of date.' : '';
}

function showClock() {
  byId('clock').hidden = !clockState.text;
  byId('clock').textContent = clockState.text;
}

async function readClock() {
  setClock(await request('GET', '/admin/clock'));
  showClock();
}

/** Opens the console with the token of the session. */
async function open() {
  disconnect();
  const current = (session = {});
  const isCurrent = () => session === current;
  setState('opening');
  let settings;
  try {
    [settings] = await Promise.all([request('GET', '/admin/settings'), serverInfo.fake ? readClock() : null]);
  } catch (error) {
    if (!isCurrent()) return;
    if (error.status === 401 || error.status === 403) return signOut(`${error.message}. The console needs a token of role ADMIN.`, true);
    setState('');
    byId('main').replaceChildren(h('h2', {}, 'surveyd'), failure('The console', error, open));
    return;
  }
  // The reader may have signed out during the request.
  if (!isCurrent()) return;
  showNavigation();
  byId('search').replaceChildren(search());
  byId('world').hidden = !serverInfo.fake;
  byId('world').textContent = `World: ${worldName() || 'default'}`;
  byId('close').hidden = Boolean(serverInfo.token);
  flagSwitch?.stop();
  flagSwitch = flag(settings);
  byId('flag').replaceChildren(flagSwitch.element);
  clearInterval(clockTimer);
  // Other programs may set the clock of a world.
  if (serverInfo.fake) clockTimer = setInterval(() => readClock().catch(() => {}), 10_000);
  await show(isCurrent, true);
  if (!isCurrent()) return;
  flagSwitch.start().catch(() => {});
  connect(setState, true);
}

/** Ends the session and asks for a token. */
function signOut(reason, isError = false) {
  disconnect();
  dismiss();
  endSession();
  clearInterval(clockTimer);
  session = null;
  leave();
  flagSwitch?.stop();
  flagSwitch = null;
  byId('search').replaceChildren();
  byId('flag').replaceChildren();
  byId('close').hidden = byId('world').hidden = byId('clock').hidden = true;
  setState('');
  document.title = 'surveyd';
  const input = h('input', { id: 'token', type: 'password', spellcheck: 'false', autocapitalize: 'none', required: true });
  const access = form((data) => {
    startSession(data.token.trim());
    return open();
  }, { class: 'access' }, field('Token', input), h('button', { class: 'primary' }, 'Sign in'));
  input.name = 'token';
  const how = serverInfo.fake
    ? ['The token of a fake is ', h('code', {}, 'test-admin'), ', and that of a world is ', h('code', {}, 'test-admin@world'), '.']
    : ['To create one, run this on the machine of the server:', h('pre', {}, `surveyd token create --name me --role admin ${serverInfo.databaseArgument}`)];
  byId('main').replaceChildren(h('section', { class: 'card signin' }, h('h2', {}, 'Sign in'),
    reason ? h('p', { class: isError ? 'failure' : '', role: 'alert' }, reason) : null,
    h('p', {}, 'Enter a token of role ADMIN. This tab keeps it until you sign out or close the tab.'), access,
    h('div', { class: 'hint' }, how),
    h('p', { class: 'hint' }, h('a', { href: 'docs' }, 'API documentation'), ` · surveyd ${serverInfo.version}`)));
  input.focus();
}

async function start() {
  try {
    const response = await fetch(local('/console.json'));
    Object.assign(serverInfo, await response.json());
  } catch {
    byId('main').replaceChildren(h('h2', {}, 'surveyd'), failure('The console', { status: 0 }, start));
    return;
  }
  byId('kind').hidden = !serverInfo.fake;
  // The token of a fake is public.
  if (serverInfo.token) startSession(serverInfo.token, worldName());
  if (savedToken()) await open();
  else signOut();
}

byId('close').append(button('Sign out', () => signOut()));
addEventListener('hashchange', () => {
  const current = session;
  if (current) show(() => session === current).catch((error) => notify(error.message, true));
});
addEventListener('openworld', ({ detail }) => {
  startSession(savedToken(), detail);
  return open();
});
addEventListener('clockread', ({ detail }) => {
  setClock(detail);
  showClock();
});
onClockSet(showClock);
await start();
