// Messages at the bottom of the page.

import { h } from './dom.js';

let hideTimer;

/** Shows a message at the bottom of the page. Screen readers read it aloud. */
export function notify(message, isError = false) {
  const toast = document.getElementById('toast');
  toast.className = isError ? 'error' : '';
  toast.replaceChildren(h('span', {}, message), h('button', { type: 'button', onclick: () => dismiss() }, 'Dismiss'));
  clearTimeout(hideTimer);
  // An error stays until the reader dismisses it, does something else, or goes elsewhere.
  if (!isError) hideTimer = setTimeout(dismiss, 6000);
}

/** Takes the message away; with `onlyErrors` only that of a failure. */
export function dismiss({ onlyErrors = false } = {}) {
  if (onlyErrors && !document.querySelector('#toast.error')) return;
  clearTimeout(hideTimer);
  document.getElementById('toast').replaceChildren();
}
