// Calls to the server, and their JSON.

import { observeDate } from './clock.js';
import { credentials } from './session.js';

/** A request that failed. `status` is 0 if there was no answer; `message` is for the reader. */
export class RequestError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// A JavaScript number cannot hold an integer of 16 digits or more. It becomes a BigInt, by way of a marked string.
const LONG = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;
const MARKED = /^\uE000-?\d+$/;

/** Parses JSON and keeps all digits of integers. */
export function parse(text) {
  const marked = text.replace(LONG, (found) => (found.startsWith('"') ? found : `"\uE000${found}"`));
  const revive = (_, value) => (typeof value === 'string' && MARKED.test(value) ? BigInt(value.slice(1)) : value);
  return JSON.parse(marked, revive);
}

/** Writes JSON and keeps all digits of integers. */
export function stringify(value, indent) {
  const mark = (_, value) => (typeof value === 'bigint' ? `\uE000${value}` : value);
  return JSON.stringify(value, mark, indent).replace(/"\uE000(-?\d+)"/g, '$1');
}

export const isId = (text) => /^-?\d{1,19}$/.test(String(text).trim());

/** Parses an id that the reader typed. */
export function parseId(text, label = 'An id') {
  const digits = String(text).trim();
  if (!isId(digits)) throw new RequestError(400, `${label} must be an integer, but is “${digits}”.`);
  return BigInt(digits);
}

/** The address of a path, relative to this page: a proxy may serve it all under a path of its own. */
export const local = (path) => new URL(`.${path}`, document.baseURI).href;

async function answer(method, path, body, headers = credentials()) {
  if (body !== undefined) headers['content-type'] = 'application/json';
  let response;
  let text;
  try {
    response = await fetch(local(path), { method, headers, body: body === undefined ? undefined : stringify(body) });
    text = await response.text();
  } catch {
    throw new RequestError(0, 'The server does not answer.');
  }
  observeDate(response.headers.get('date'));
  if (!response.ok) throw new RequestError(response.status, messageOf(text) ?? `The server answered ${response.status}.`);
  return { body: text ? parse(text) : null, headers: response.headers };
}

/** Sends a request and returns the parsed body of the answer, or null if it has none. */
export async function request(method, path, body) {
  return (await answer(method, path, body)).body;
}

/** Reads from another world, with the token of its administrator. */
export const requestAs = async (token, path) => (await answer('GET', path, undefined, { authorization: `Bearer ${token}` })).body;

/** Reads a page of a list: `{ rows, next }`. `next` is the path of the page after it, or null after the last one. */
export async function requestPage(path) {
  const { body, headers } = await answer('GET', path);
  const link = /<([^>]*)>\s*;[^,]*rel="?next"?/.exec(headers.get('link') ?? '')?.[1];
  const [route] = path.split('?');
  return { rows: body, next: link ? route + new URL(link, local(route)).search : null };
}

/** A row by its id, or null: `kind` is the name of its list. It is read from the list, where a missing row is no error. */
export async function findRow(kind, id) {
  const key = ['sends', 'deliveries'].includes(kind) ? 'sendingId' : 'id';
  const [row] = await request('GET', query(`/admin/${kind}`, { after: BigInt(id) - 1n, limit: 1 }));
  return row && String(row[key]) === String(id) ? row : null;
}

function messageOf(text) {
  try {
    return JSON.parse(text).message;
  } catch {
    return null;
  }
}

/** Appends the parameters that have a value to a path. */
export function query(path, parameters) {
  const set = Object.entries(parameters).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  return set.length ? `${path}?${new URLSearchParams(set)}` : path;
}

/** Reads a list page by page, until its end or until there are `max` rows. */
export async function fetchAll(path, max = 1000) {
  const rows = [];
  for (;;) {
    const page = await request('GET', query(path, { after: rows.at(-1)?.id, limit: 500 }));
    rows.push(...page);
    if (page.length < 500 || rows.length >= max) return rows;
  }
}
