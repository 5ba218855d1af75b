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
  element.append(...children.flat(3).filter(isPresent).map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

/** Creates an SVG element. */
export function svg(name, properties = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(properties)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A number in the reader's locale. Numbers below 1,000 need no locale, and the first use of a locale is slow. */
export function formatNumber(number) {
  return number < 1000 ? String(number) : number.toLocaleString();
}

/** A number and its noun: `1 send`, `2 sends`. */
export function count(number, noun, plural = `${noun}s`) {
  return `${formatNumber(number)} ${Number(number) === 1 ? noun : plural}`;
}

/** A coloured label: `kind` is success, failure or pending. The text alone says as much as the colour. */
export function badge(text, kind = '') {
  return h('span', { class: `badge ${kind}` }, text);
}

/** The state of a delivery. */
export function deliveryBadge(state) {
  return badge(state, { delivered: 'success', dead: 'failure', pending: 'pending' }[state] ?? '');
}

export function json(value) {
  return h('pre', {}, stringify(value, 2));
}

/** A list of names and values; a value that is null or undefined is left out. */
export function facts(...pairs) {
  const isPresent = ([, value]) => value !== null && value !== undefined;
  return h('dl', { class: 'facts' }, pairs.filter(isPresent).map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
}

/** A titled part of a page. */
export function card(title, ...children) {
  return h('section', { class: 'card', 'aria-label': typeof title === 'string' ? title : null }, h('h3', {}, title), children);
}

/** A long text that may break after its punctuation, such as an address. */
export function breakable(text) {
  return String(text).split(/(?<=[/?&=:@_.-])(?=[^/])/).flatMap((part) => [part, h('wbr')]);
}
