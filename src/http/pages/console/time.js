// Times as the reader sees them: relative to the world's clock, exact when pointed at.

import { now, onClockSet, zoneOffset } from './clock.js';
import { h } from './dom.js';

const two = (number) => String(number).padStart(2, '0');

/** Such as `2026-11-25`, in the reader's zone. */
export const dayText = (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;

/** Such as `09:12`. */
export const minuteText = (date) => `${two(date.getHours())}:${two(date.getMinutes())}`;

/** `09:12`, with the date if the day is not today in the world. */
export function shortTime(iso) {
  const date = new Date(iso);
  const isToday = dayText(date) === dayText(new Date(now()));
  return isToday ? minuteText(date) : `${dayText(date)} ${minuteText(date)}`;
}

/** With milliseconds, and the zone named. */
export function exactTime(iso) {
  const date = new Date(iso);
  const fraction = String(date.getMilliseconds()).padStart(3, '0');
  const local = `${dayText(date)} ${minuteText(date)}:${two(date.getSeconds())}.${fraction} UTC${zoneOffset(date)}`;
  const utc = date.toISOString().replace('T', ' ').replace('Z', ' UTC');
  return date.getTimezoneOffset() === 0 ? utc : `${local}\n${utc}`;
}

/** `5 min ago` or `in 2 h`; a time of another day has its date, unless it is less than an hour away. */
export function relativeTime(iso) {
  const seconds = (now() - Date.parse(iso)) / 1000;
  const distance = Math.abs(seconds);
  const isOtherDay = dayText(new Date(iso)) !== dayText(new Date(now()));
  if (distance >= 3600 && isOtherDay) return shortTime(iso);
  const say = (amount, unit) => (seconds < 0 ? `in ${Math.round(amount)} ${unit}` : `${Math.floor(amount)} ${unit} ago`);
  if (distance < 2) return 'now';
  if (distance < 60) return say(distance, 's');
  if (distance < 3600) return say(distance / 60, 'min');
  return say(distance / 3600, 'h');
}

/** A time element; `none` for no time. */
export function time(iso, none = '–') {
  if (!iso) return none;
  return h('time', { datetime: iso, title: exactTime(iso), class: 'relative' }, relativeTime(iso));
}

/** An exact time and how long ago it was, for a page that has room for both. */
export const longTime = (iso, none = '–') => (iso ? h('span', {}, wholeSeconds(iso), ', ', time(iso)) : none);

/** The exact time in the reader's zone, without milliseconds. */
export const wholeSeconds = (iso) => exactTime(iso).split('\n')[0].replace(/\.\d{3}/, '');

/** A number of seconds as a rough duration, such as `3 h`. */
export function duration(seconds) {
  for (const [unit, length] of [['d', 86400], ['h', 3600], ['min', 60]]) {
    if (seconds >= length) return `${Math.floor(seconds / length)} ${unit}`;
  }
  return `${Math.floor(seconds)} s`;
}

function refresh() {
  for (const element of document.querySelectorAll('time.relative')) {
    const text = relativeTime(element.dateTime);
    if (element.textContent !== text) element.textContent = text;
  }
}

onClockSet(refresh);
setInterval(refresh, 5000);
