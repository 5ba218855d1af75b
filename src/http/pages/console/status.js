// Is it healthy, how full is it, and what expires?

import { request } from './api.js';
import { href } from './address.js';
import { card, count, formatNumber, h } from './dom.js';
import { on, throttle } from './live.js';
import { link } from './names.js';
import { failure } from './notice.js';
import { duration, longTime, wholeSeconds } from './time.js';

const SECOND_MS = 1000;

/** A number of bytes, such as `1.5 MB`. */
function bytes(amount) {
  if (amount === null) return 'not known';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let number = Number(amount);
  let unit = 0;
  for (; number >= 1000 && unit < units.length - 1; unit += 1) number /= 1000;
  return `${unit && number < 100 ? number.toFixed(1) : Math.round(number)} ${units[unit]}`;
}

const decimal = (number) => (number === null ? 'not known' : Number(number) < 10 ? String(Math.round(number * 10) / 10) : formatNumber(Math.round(number)));

/** A number with its name, and a kind of badge where it needs attention. */
const figure = (name, value, kind = '') => h('p', { class: 'number' }, h('b', { class: kind }, value), h('span', {}, name));

const figures = (...parts) => h('div', { class: 'numbers' }, parts);

function parts({ version, schema, now, surveysViaExternalApi, sends, queue, deliveries, file, outstandingErasures, lastBackup, certificate, expiringTokens }) {
  const { pending, oldestPendingSeconds, dead, channelsFailing, channelsOff } = deliveries;
  return [
    card('Server', figures(figure('surveys', surveysViaExternalApi ? 'on' : 'off', surveysViaExternalApi ? 'success' : 'failure'), figure('version', version), figure('schema', schema)),
      h('p', {}, 'Its clock shows ', wholeSeconds(now), '.')),
    card('Sends', figures(figure('in the database', formatNumber(sends.total)), figure('in 24 hours', formatNumber(sends.last24Hours)), figure('a day, on average', decimal(sends.perDay))),
      h('p', {}, `${count(queue.waiting, 'job')} of at most ${formatNumber(queue.limit)} ${Number(queue.waiting) === 1 ? 'waits' : 'wait'} for the writer.`)),
    card('Deliveries', figures(figure('pending', formatNumber(pending), pending > 0 ? 'pending' : ''), figure('dead', formatNumber(dead), dead > 0 ? 'failure' : ''),
      figure('channels failing', channelsFailing, channelsFailing > 0 ? 'failure' : ''), figure('channels off', channelsOff, channelsOff > 0 ? 'failure' : '')),
    h('p', {}, oldestPendingSeconds === null ? 'Nothing waits. ' : `The oldest waits for ${duration(oldestPendingSeconds)}. `, h('a', { href: href('deliveries') }, 'All channels'))),
    card('Storage', figures(figure('database', bytes(file.bytes)), figure('write-ahead log', bytes(file.logBytes)), figure('free', bytes(file.freeBytes))),
      h('p', {}, file.bytesPerSend === null ? 'What a send takes is known after the first sends.' : `A send takes about ${decimal(file.bytesPerSend)} bytes. At this rate the file grows by ${bytes(file.growthPerMonthBytes)} a month.`),
      Number(outstandingErasures.count) > 0 && h('p', { class: 'failure' }, `${count(outstandingErasures.count, 'erasure')} not complete since `, longTime(outstandingErasures.since), ': the write-ahead log still holds the data, because a program reads the database all the time.')),
    card('Last backup', lastBackup ? [figures(figure('sends', formatNumber(lastBackup.sends)), figure('size', bytes(lastBackup.bytes))), h('p', {}, longTime(lastBackup.at), ', verified.')]
      : h('p', {}, 'No backup is recorded. A backup by the command surveyd backup is verified and recorded here.')),
    card('Expiry',
      h('p', {}, certificate ? ['The certificate is valid until ', longTime(certificate.notAfter), '.'] : 'There is no certificate: this server answers without TLS.'),
      expiringTokens.length ? h('ul', {}, expiringTokens.map(({ id, name, expiresAt }) => h('li', {}, 'Token ', link('tokens', id, name), ' expires at ', longTime(expiresAt), '.')))
        : h('p', {}, 'No token expires within 30 days.')),
  ];
}

export function status() {
  const element = h('div', { class: 'status' });
  const load = async () => {
    try {
      element.replaceChildren(...parts(await request('GET', '/admin/status')));
    } catch (error) {
      element.replaceChildren(failure('The status', error, load));
    }
  };
  const refresh = throttle(2 * SECOND_MS, load);
  const timer = setInterval(load, 30 * SECOND_MS);
  const unsubscribe = ['committed', 'audit', 'resync'].map((event) => on(event, refresh));
  return {
    element,
    start: load,
    stop: () => {
      clearInterval(timer);
      unsubscribe.forEach((off) => off());
    },
  };
}
