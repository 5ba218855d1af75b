// What the page shows in place of data: failures, and lists without rows.

import { button } from './controls.js';
import { h } from './dom.js';

/** Says that something could not be loaded, with a button to try it again. */
export function failure(what, error, retry) {
  const reason = error.status === 0 ? 'The server does not answer. Is it still running?' : error.message;
  return h('div', { class: 'failed', role: 'alert' },
    h('p', {}, h('b', {}, `${what} could not be loaded. `), reason),
    button('Retry', retry));
}

/** The text of an empty list. */
export function emptyState(...children) {
  return h('p', { class: 'empty' }, ...children);
}
