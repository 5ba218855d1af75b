// The tokens: create, rotate, revoke.

import { fetchAll, query, request } from './api.js';
import { href } from './address.js';
import { now } from './clock.js';
import { ask, button, copyButton, field, form, select } from './controls.js';
import { badge, card, h } from './dom.js';
import { Filters } from './filters.js';
import { List, PAGE } from './list.js';
import { on } from './live.js';
import { serverInfo, worldSuffix } from './session.js';
import { time } from './time.js';
import { notify } from './toast.js';

const ROLES = ['INTEGRATOR', 'OPERATOR', 'SUPERVISOR', 'ADMIN'].map((role) => [role, role]);

const hasExpired = ({ expiresAt }) => expiresAt && Date.parse(expiresAt) <= now();
const isValid = (token) => !token.revokedAt && !hasExpired(token);

/** The state of a token at the world's time. */
export function tokenState(token) {
  return isValid(token) ? badge('valid', 'success') : badge(token.revokedAt ? 'revoked' : 'expired', 'failure');
}

function showSecret(place, token) {
  const text = token.secret + worldSuffix();
  place.replaceChildren(card(`Secret of ${token.name}`,
    h('p', {}, 'Copy it now. It is shown only once and is not stored.'),
    h('p', { class: 'secret' }, h('code', {}, text), copyButton(() => text), button('Hide', () => place.replaceChildren()))));
}

/** What more the reader should know before they revoke a token. */
async function warning(token) {
  if (serverInfo.fake || token.role !== 'ADMIN') return '';
  const others = (await fetchAll('/admin/tokens')).filter((other) => other.id !== token.id && other.role === 'ADMIN' && isValid(other));
  return others.length ? '' : ` It is the last valid token of an administrator. To make another one, run: surveyd token create --name me --role admin ${serverInfo.databaseArgument}`;
}

/** The buttons of a token. A new secret is shown in `place`. */
export function tokenActions(token, place, done) {
  if (token.revokedAt) return [];
  const rotate = button('Rotate', async () => {
    showSecret(place, await request('POST', `/admin/tokens/${token.id}/rotate`, { overlap: '24h' }));
    notify(`The old secret of ${token.name} remains valid for 24 hours.`);
  }, { 'aria-label': `Rotate ${token.name}`, title: 'Creates a new secret. The old one remains valid for 24 hours.' });
  const revoke = button('Revoke', async () => ask(`Revoke ${token.name}?`, `The next request with token ${token.id} (${token.name}) is refused. This cannot be undone.${await warning(token)}`, 'Revoke', async () => {
    await request('DELETE', `/admin/tokens/${token.id}`);
    await done();
    notify(`Revoked ${token.name}. Its next request is refused.`);
  }), { 'aria-label': `Revoke ${token.name}`, class: 'danger' });
  return [rotate, revoke];
}

const noTokens = () => (serverInfo.fake
  ? 'No tokens were created. A fake also accepts the tokens that begin with “test-”; these are not in this list.'
  : 'There are no tokens. Create one above. Its secret is shown only once.');

export function tokens({ filters: values }) {
  const secret = h('div', { 'aria-live': 'polite' });
  const filters = new Filters([['name', 'Name', { size: 16 }]], values, () => list.reload());
  const list = new List({
    label: 'Tokens',
    key: 'id',
    path: (after) => query('/admin/tokens', { after, limit: PAGE }),
    emptyText: () => (filters.isEmpty ? noTokens() : [...filters.nothing('tokens'), ` ${serverInfo.fake ? 'The tokens that begin with “test-” are built in.' : ''}`]),
    rowClass: (token) => token.revokedAt && 'faded',
    columns: [
      ['Id', (token) => h('a', { class: 'ref', href: href('tokens', token.id) }, token.id), 'short'],
      ['Name', (token) => h('a', { class: 'ref', href: href('tokens', token.id) }, token.name)],
      ['Role', (token) => token.role, 'short'],
      ['State', tokenState, 'short'],
      ['Last used', (token) => time(token.lastUsedAt, 'never'), 'short'],
      ['Created', (token) => time(token.createdAt), 'short'],
      ['Expires', (token) => time(token.expiresAt, 'never'), 'short'],
      ['', (token) => h('span', { class: 'buttons' }, tokenActions(token, secret, () => list.reload())), 'short'],
    ],
  });
  // The list has no filter of its own: tokens are few.
  const read = list.read.bind(list);
  list.read = async (...place) => {
    const page = await read(...place);
    const { name } = filters.values;
    return page && name ? { ...page, rows: page.rows.filter((token) => token.name.includes(name)) } : page;
  };
  const createForm = form(
    async (data, element) => {
      const body = { name: data.name.trim(), role: data.role };
      if (data.expires.trim()) body.expires = data.expires.trim();
      showSecret(secret, await request('POST', '/admin/tokens', body));
      element.reset();
      await list.reload();
    },
    { class: 'bar', 'aria-label': 'Create a token' },
    field('Name of a new token', h('input', { name: 'name', required: true, maxlength: 255, spellcheck: 'false', size: 18 })),
    field('Role', select('role', ROLES)),
    field('Expires after', h('input', { name: 'expires', placeholder: 'never, or 90d', size: 12 })),
    h('button', { class: 'primary' }, 'Create token'),
  );
  const changesTokens = ({ rows }) => rows.some((row) => row.object.startsWith('tokens/'));
  const unsubscribe = [on('resync', () => list.reload()), on('audit', (batch) => changesTokens(batch) && list.reload())];
  return { element: h('div', {}, createForm, secret, filters.element, list.element), start: () => list.reload(), stop: () => unsubscribe.forEach((off) => off()) };
}
