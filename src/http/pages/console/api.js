// Calling the server. The token is in this module's memory and nowhere else: it goes with the tab.

/** What the page knows of the server: `{ fake, token }`, from `/console.json`. */
export const known = { fake: false, token: null };

let token = null;

/** With which token everything is asked for from now on; null for none. */
export function use(secret) {
  token = secret;
}

/** The headers that let in. */
export function credentials() {
  return { authorization: `Bearer ${token}` };
}

/** What was asked for cannot be had; `message` is in words. */
export class Failed extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// An integer of so many digits may not fit into a number of JavaScript's: it becomes a BigInt, by way of a marked text.
const LONG = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;
const MARKED = /^\uE000-?\d+$/;

/** Reads JSON without a loss. */
export function parse(text) {
  const marked = text.replace(LONG, (found) => (found.startsWith('"') ? found : `"\uE000${found}"`));
  const revive = (_, value) => (typeof value === 'string' && MARKED.test(value) ? BigInt(value.slice(1)) : value);
  return JSON.parse(marked, revive);
}

/** Writes JSON without a loss. */
export function write(value, indent) {
  const mark = (_, value) => (typeof value === 'bigint' ? `\uE000${value}` : value);
  return JSON.stringify(value, mark, indent).replace(/"\uE000(-?\d+)"/g, '$1');
}

/** The id that somebody typed. */
export function id(text, what = 'An id') {
  const digits = String(text).trim();
  if (!/^-?\d{1,19}$/.test(digits)) throw new Failed(400, `${what} must be an integer, and is “${digits}”.`);
  return BigInt(digits);
}

/** Asks, perhaps with a body. Yields the answer's value, null where it has none. */
export async function ask(method, path, body) {
  const headers = credentials();
  if (body !== undefined) headers['content-type'] = 'application/json';
  let response;
  try {
    response = await fetch(path, { method, headers, body: body === undefined ? undefined : write(body) });
  } catch {
    throw new Failed(0, 'The server does not answer. Is it still running?');
  }
  const answer = await response.text();
  if (response.ok) return answer ? parse(answer) : null;
  throw new Failed(response.status, messageOf(answer) ?? `The server answered ${response.status}.`);
}

function messageOf(text) {
  try {
    return JSON.parse(text).message;
  } catch {
    return null;
  }
}

/** A path with those parameters that have a value. */
export function query(path, parameters) {
  const set = Object.entries(parameters).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  return set.length ? `${path}?${new URLSearchParams(set)}` : path;
}

/** All rows of a list, page by page, but not more than so many. */
export async function all(path, most = 1000) {
  const rows = [];
  for (;;) {
    const page = await ask('GET', query(path, { after: rows.at(-1)?.id, limit: 500 }));
    rows.push(...page);
    if (page.length < 500 || rows.length >= most) return rows;
  }
}
