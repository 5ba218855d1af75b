// What this tab knows: the server, the token and the world. A reload keeps them, closing the tab forgets them.

/** The answer of `/console.json`: `{ fake, token, databaseArgument, version }`. */
export const serverInfo = { fake: false, token: null, databaseArgument: null, version: '' };

/** Two consoles on one host, under different paths, do not share a token. */
const KEY = `surveyd ${new URL('.', document.baseURI).pathname}`;

let session = { token: null, world: '' };
try {
  session = { ...session, ...JSON.parse(sessionStorage.getItem(KEY)) };
} catch {
  // A browser may forbid the storage. Then a reload ends the session.
}

function store() {
  try {
    if (session.token) sessionStorage.setItem(KEY, JSON.stringify(session));
    else sessionStorage.removeItem(KEY);
  } catch {
    // As above.
  }
}

/** The token, without the world. */
export const savedToken = () => session.token;

/** The name of the world; empty for the default world, and for a server, which has no other. */
export const worldName = () => (serverInfo.fake ? session.world : '');

/** The `@world` part of a token. */
export const worldSuffix = () => (worldName() ? `@${worldName()}` : '');

/** Sets the token of all further requests. For a fake, the part after `@` names the world. */
export function startSession(text, world = '') {
  const [token, named] = serverInfo.fake ? text.split('@') : [text];
  session = { token, world: named ?? world };
  store();
}

export function endSession() {
  session = { token: null, world: '' };
  store();
}

export function credentials() {
  return { authorization: `Bearer ${session.token}${worldSuffix()}` };
}

/** Opens another world of a fake. */
export const openWorld = (name) => dispatchEvent(new CustomEvent('openworld', { detail: name }));

/** Passes on what a fake's `/admin/clock` has answered. */
export const clockRead = (state) => dispatchEvent(new CustomEvent('clockread', { detail: state }));
