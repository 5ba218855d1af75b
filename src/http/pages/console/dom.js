// Making elements. Whatever comes from the server becomes a text node, never markup.

import { write } from './api.js';

/** An element: `h('td', { class: 'id' }, text, child, ...)`; `on…` are listeners, a property that is false is left out. */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : value);
  }
  const isThere = (child) => child !== null && child !== undefined && child !== false;
  element.append(...children.flat().filter(isThere).map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

/** The same in SVG. */
export function svg(name, properties = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(properties)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A labelled field of a form. */
export function field(label, input) {
  return h('label', {}, h('span', {}, label), input);
}

/** A choice of a form: pairs of value and words. */
export function choice(name, options, properties = {}) {
  return h('select', { name, ...properties }, options.map(([value, words]) => h('option', { value }, words)));
}

/** A button that says when what it does fails, and cannot be pressed twice meanwhile. */
export function button(words, act, properties = {}) {
  const element = h('button', { type: 'button', ...properties }, words);
  element.addEventListener('click', () => busy(element, act));
  return element;
}

/** A form whose submission is `act`; its fields are `data`. A question may be asked again while it is being answered: the last one counts. */
export function form(act, { isQuestion, ...properties }, ...children) {
  const element = h('form', { autocomplete: 'off', ...properties }, ...children);
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    const submit = () => act(Object.fromEntries(new FormData(element)), element);
    busy(element.querySelector('button:not([type=button])') ?? element, submit, isQuestion);
  });
  return element;
}

async function busy(element, act, mayRepeat = false) {
  if (element.ariaBusy === 'true') {
    if (mayRepeat) element.next = act;
    return;
  }
  element.ariaBusy = 'true';
  try {
    await act();
  } catch (error) {
    say(error.message, true);
  } finally {
    element.ariaBusy = null;
  }
  const { next } = element;
  element.next = undefined;
  if (next) await busy(element, next, mayRepeat);
}

let silence;

/** Says something at the foot of the page; read out by screen readers. */
export function say(words, isError = false) {
  const toast = document.getElementById('toast');
  toast.className = isError ? 'error' : '';
  toast.replaceChildren(h('span', {}, words), button('Dismiss', () => toast.replaceChildren()));
  clearTimeout(silence);
  // What went wrong stays until it is read.
  if (!isError) silence = setTimeout(() => toast.replaceChildren(), 6000);
}

/** A number, as the reader writes it. Small ones are alike everywhere, and the first of the others costs more than the page. */
export function figure(many) {
  return many < 1000 ? String(many) : many.toLocaleString();
}

const two = (many) => String(many).padStart(2, '0');

/** A time in the reader's zone; in UTC, to the millisecond, when it is pointed at. */
export function time(iso, none = '–') {
  if (!iso) return none;
  const date = new Date(iso);
  const isToday = date.toDateString() === new Date().toDateString();
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const words = isToday ? clock : `${day} ${clock}`;
  return h('time', { datetime: iso, title: `${iso.replace('T', ' ').replace('Z', '')} UTC` }, words);
}

/** A word with a colour; the colour says nothing that the word does not. */
export function badge(words, kind = '') {
  return h('span', { class: `badge ${kind}` }, words);
}

/** What stands where there is nothing yet: what to do about it. */
export function empty(...children) {
  return h('p', { class: 'empty' }, ...children);
}

/** JSON, readable. */
export function json(value) {
  return h('pre', {}, write(value, 2));
}

/** A button for what cannot be undone: it wants to be pressed twice. */
export function sureButton(words, act) {
  let isSure = false;
  const element = button(words, async () => {
    if (isSure) return act();
    isSure = true;
    element.textContent = `${words}: sure?`;
    setTimeout(() => {
      isSure = false;
      element.textContent = words;
    }, 4000);
  }, { class: 'danger' });
  return element;
}

/** Copies a text; says so. */
export function copyButton(text) {
  return button('Copy', async () => {
    await navigator.clipboard.writeText(text());
    say('Copied.');
  });
}
