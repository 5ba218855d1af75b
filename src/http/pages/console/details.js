// The page of one row: what it is, what belongs to it, and what can be done with it.

import { readAddress } from './address.js';
import { isId } from './api.js';
import { h } from './dom.js';
import { on } from './live.js';
import { emptyState, failure } from './notice.js';

const LOADERS = {
  clients: async () => (await import('./client.js')).client,
  threads: async () => (await import('./thread.js')).thread,
  channels: async () => (await import('./channel.js')).channel,
  forms: async () => (await import('./form.js')).formRow,
  sends: async () => (await import('./send.js')).send,
  tokens: async () => (await import('./token.js')).token,
};

/**
 * The view of a row. The loader of its kind returns a function that gets the id and a function that shows the row again, and
 * resolves to `{ heading, element, start, stop }`, or to null if there is no such row.
 */
export function details(kind, { id }) {
  const singular = kind.slice(0, -1);
  const title = `${singular[0].toUpperCase()}${singular.slice(1)} ${id}`;
  const element = h('div', { class: 'details' });
  let content = null;
  let isStopped = false;
  const start = async () => {
    let next;
    try {
      const load = await LOADERS[kind]();
      next = isId(id) ? await load(id, start) : null;
    } catch (error) {
      element.replaceChildren(failure(title, error, start));
      return;
    }
    if (isStopped) return;
    content?.stop?.();
    content = next;
    if (!next) {
      element.replaceChildren(emptyState(isId(id) ? `There is no ${singular} ${id}. It was deleted, or it never existed.` : `“${id}” is not an id. An id is an integer.`));
      return;
    }
    element.replaceChildren(...[next.heading ? h('p', { class: 'subtitle' }, next.heading) : null, next.element].filter(Boolean));
    await next.start?.();
  };
  const isOfRow = ({ rows }) => rows.some(({ object, action }) => action === 'apply' || object === `${kind}/${id}`);
  const unsubscribe = [
    on('resync', () => start()),
    on('audit', (batch) => isOfRow(batch) && readAddress().id === id && start()),
  ];
  return {
    element,
    title,
    start,
    stop: () => {
      isStopped = true;
      content?.stop?.();
      unsubscribe.forEach((off) => off());
    },
  };
}
