// The clock of the world. The server's may differ from the browser's, and that of a fake can be set to any time.

let offset = 0;
let stoppedAt = null;
let isFake = false;
const listeners = new Set();

/** The time of the world, in milliseconds. */
export const now = () => stoppedAt ?? Date.now() + offset;

/** Calls `listener` whenever the clock was set. Returns a function that ends this. */
export function onClockSet(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Reads the `Date` header of an answer, which has no fractions of a second. A fake's is not that of its world. */
export function observeDate(header) {
  const difference = Date.parse(header) - Date.now();
  if (isFake || Number.isNaN(difference)) return;
  const seen = Math.abs(difference) > 2000 ? difference : 0;
  if (Math.abs(seen - offset) < 2000) return;
  offset = seen;
  listeners.forEach((listener) => listener());
}

/** Takes the answer of a fake's `/admin/clock`. */
export function setClock({ now: iso, real, ticking }) {
  isFake = true;
  const before = now();
  stoppedAt = ticking ? null : Date.parse(iso);
  offset = Date.parse(iso) - Date.now();
  clockState.text = real ? '' : ticking ? 'Clock is set' : 'Clock is stopped';
  if (Math.abs(now() - before) > 1000) listeners.forEach((listener) => listener());
}

/** How a fake's clock runs, in words; empty for real time. */
export const clockState = { text: '' };

/** The reader's time zone, such as `Europe/Moscow, UTC+03:00`. */
export function zoneText() {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const offset = zoneOffset(new Date(now()));
  return timeZone === 'UTC' ? 'UTC' : `${timeZone}, UTC${offset}`;
}

/** The offset of the reader's zone at a time, such as `+03:00`. */
export function zoneOffset(date) {
  const minutes = -date.getTimezoneOffset();
  const two = (number) => String(number).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
}
