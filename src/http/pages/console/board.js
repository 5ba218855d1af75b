// The board of channels: what waits for each gateway, and what failed.

import { request } from './api.js';
import { href } from './address.js';
import { ask, button } from './controls.js';
import { badge, count, formatNumber, h } from './dom.js';
import { allOf } from './names.js';
import { emptyState, failure } from './notice.js';
import { duration, shortTime } from './time.js';
import { notify } from './toast.js';

/** The channels that have a gateway or undelivered sends, with what the server says of their deliveries. */
async function read() {
  const [channels, counts] = await Promise.all([allOf('channels'), request('GET', '/admin/deliveries/counts')]);
  const ofChannel = ({ channel }) => channels.find(({ id }) => String(id) === String(channel));
  return counts.map((row) => ({ ...ofChannel(row), ...row, id: row.channel }));
}

/** Asks, and makes the deliveries of a channel that are in a state due. */
function retryAll({ id, name, deliveryUrl }, state, amount, done) {
  ask(`Retry ${count(amount, `${state} delivery`, `${state} deliveries`)}?`,
    `All of them are sent to the gateway of channel ${id} (${name}) again, now: ${deliveryUrl}`,
    `Retry ${formatNumber(amount)}`, async () => {
      const { retried } = await request('POST', `/admin/channels/${id}/retry?state=${state}`);
      notify(`${count(retried, 'delivery', 'deliveries')} of channel ${id} ${Number(retried) === 1 ? 'is' : 'are'} due now.`);
      await done();
    });
}

function state(channel) {
  if (!channel.deliveryUrl) return badge('no delivery URL');
  if (channel.off) return badge('off', 'failure');
  if (channel.failingSince) return badge('failing', 'failure');
  return badge('on', 'success');
}

function channelCard(channel, done) {
  const { id, name, deliveryUrl, off, pending, dead, cancelled } = channel;
  const number = (label, amount, kind) => h('a', { class: 'number', href: href('deliveries', '', { channel: id, state: label }) },
    h('b', { class: amount > 0 ? kind : '' }, formatNumber(amount)), h('span', {}, label));
  const canRetry = deliveryUrl && !off;
  const retry = (label, amount) => (amount > 0 && canRetry ? button(`Retry ${label}`, () => retryAll(channel, label, amount, done), { 'aria-label': `Retry all ${label} deliveries of channel ${id}` }) : null);
  return h('li', { class: 'card' },
    h('h3', {}, h('a', { href: href('channels', id) }, `${id} ${name ?? 'deleted'}`), ' ', state(channel)),
    h('p', { class: 'numbers' }, number('pending', pending, 'pending'), number('dead', dead, 'failure'), number('cancelled', cancelled, '')),
    h('p', {}, pending > 0 ? `The oldest waits for ${duration(channel.oldestPendingSeconds)}. ` : 'Nothing waits. ', `${formatNumber(channel.delivered)} delivered since the server started.`),
    channel.failingSince ? h('p', { class: 'failure' }, `Failing since ${shortTime(channel.failingSince)}`, channel.lastResult ? `: ${channel.lastResult}` : '') : null,
    off ? h('p', { class: 'failure' }, `Off: ${off}. `, dead + cancelled > 0 ? 'Nothing can be retried until deliveries are on again.' : '') : null,
    h('p', { class: 'buttons' }, retry('dead', dead), retry('cancelled', cancelled)));
}

export function board(changed) {
  const list = h('ul', { class: 'board', 'aria-label': 'Channels' });
  const notice = h('div', {});
  const refresh = async (isForced = false) => {
    // Not while one of the buttons has the focus: the reader could press another one.
    if (!isForced && list.contains(document.activeElement)) return;
    try {
      const channels = await read();
      list.replaceChildren(...channels.map((channel) => channelCard(channel, () => Promise.all([refresh(true), changed()]))));
      notice.replaceChildren(...(channels.length ? [] : [emptyState('No channel has a delivery URL. ', h('a', { href: '#channels' }, 'Set one'), ' to deliver sends to a gateway.')]));
    } catch (error) {
      notice.replaceChildren(failure('The counts of the channels', error, refresh));
    }
  };
  return { element: h('div', {}, notice, list), refresh };
}
