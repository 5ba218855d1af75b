// Elements of the page. Text from the server becomes a text node, never markup.

import { stringify } from './api.js';

/**
 * Creates an element: `h('td', { class: 'id' }, text, child, ...)`. A property `on…` is an event listener. A property or a
 * child that is false, null or undefined is left out.
 */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : value);
  }
  const isPresent = (child) => child !== null && child !== undefined && child !== false;
  element.append(...children.flat().filter(isPresent).map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

/** Creates an SVG element. */
export function svg(name, properties = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(properties)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export function field(label, input) {
  return h('label', {}, h('span', {}, label), input);
}

/** A select element. `options` are pairs of value and label. */
export function select(name, options, properties = {}) {
  return h('select', { name, ...properties }, options.map(([value, label]) => h('option', { value }, label)));
}

/** A button that shows the error if `action` fails, and ignores clicks while `action` runs. */
export function button(label, action, properties = {}) {
  const element = h('button', { type: 'button', ...properties }, label);
  element.addEventListener('click', () => runBusy(element, action));
  return element;
}

/**
 * A form that calls `action` with its fields when it is submitted. With `latestWins` a submission while `action` runs is not
 * ignored: the latest one runs next.
 */
export function form(action, { latestWins, ...properties }, ...children) {
  const element = h('form', { autocomplete: 'off', ...properties }, ...children);
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    const submit = () => action(Object.fromEntries(new FormData(element)), element);
    runBusy(element.querySelector('button:not([type=button])') ?? element, submit, latestWins);
  });
  return element;
}

async function runBusy(element, action, latestWins = false) {
  if (element.ariaBusy === 'true') {
    if (latestWins) element.next = action;
    return;
  }
  element.ariaBusy = 'true';
  try {
    await action();
  } catch (error) {
    notify(error.message, true);
  } finally {
    element.ariaBusy = null;
  }
  const { next } = element;
  element.next = undefined;
  if (next) await runBusy(element, next, latestWins);
}

let hideTimer;

/** Shows a message at the bottom of the page. Screen readers read it aloud. */
export function notify(message, isError = false) {
  const toast = document.getElementById('toast');
  toast.className = isError ? 'error' : '';
  toast.replaceChildren(h('span', {}, message), button('Dismiss', () => toast.replaceChildren()));
  clearTimeout(hideTimer);
  // An error stays until the reader dismisses it.
  if (!isError) hideTimer = setTimeout(() => toast.replaceChildren(), 6000);
}

/** A number in the reader's locale. Numbers below 1,000 need no locale, and the first use of a locale is slow. */
export function formatNumber(number) {
  return number < 1000 ? String(number) : number.toLocaleString();
}

const twoDigits = (number) => String(number).padStart(2, '0');

/** A time in the reader's time zone. Its title shows it in UTC, with milliseconds. */
export function time(iso, none = '–') {
  if (!iso) return none;
  const date = new Date(iso);
  const isToday = date.toDateString() === new Date().toDateString();
  const day = `${date.getFullYear()}-${twoDigits(date.getMonth() + 1)}-${twoDigits(date.getDate())}`;
  const clock = `${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}:${twoDigits(date.getSeconds())}`;
  const text = isToday ? clock : `${day} ${clock}`;
  return h('time', { datetime: iso, title: `${iso.replace('T', ' ').replace('Z', '')} UTC` }, text);
}

/** A coloured label: `kind` is success, failure or pending. The text alone says as much as the colour. */
export function badge(text, kind = '') {
  return h('span', { class: `badge ${kind}` }, text);
}

/** The text of an empty list: it says how to fill the list. */
export function emptyState(...children) {
  return h('p', { class: 'empty' }, ...children);
}

export function json(value) {
  return h('pre', {}, stringify(value, 2));
}

/** A button for an action that cannot be undone. The reader must press it twice. */
export function confirmButton(label, action) {
  let isConfirmed = false;
  const element = button(label, async () => {
    if (isConfirmed) return action();
    isConfirmed = true;
    element.textContent = `Confirm: ${label}`;
    setTimeout(() => {
      isConfirmed = false;
      element.textContent = label;
    }, 4000);
  }, { class: 'danger' });
  return element;
}

export function copyButton(text) {
  return button('Copy', async () => {
    await navigator.clipboard.writeText(text());
    notify('Copied.');
  });
}
