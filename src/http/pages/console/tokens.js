// The tokens: create, rotate, revoke.

import { query, request } from './api.js';
import { badge, button, confirmButton, copyButton, field, form, h, notify, select, time } from './dom.js';
import { List, PAGE } from './list.js';
import { on } from './live.js';

const ROLES = ['INTEGRATOR', 'OPERATOR', 'SUPERVISOR', 'ADMIN'].map((role) => [role, role]);

function state(token) {
  if (token.revokedAt) return badge('revoked', 'failure');
  if (token.expiresAt && Date.parse(token.expiresAt) <= Date.now()) return badge('expired', 'failure');
  return badge('valid', 'success');
}

export function tokens(page) {
  const secret = h('div', { 'aria-live': 'polite' });
  const showSecret = (token) =>
    secret.replaceChildren(
      h('section', { class: 'card', 'aria-label': 'Secret' },
        h('h3', {}, `Secret of ${token.name}`),
        h('p', {}, 'Copy it now. It is shown only once and is not stored.'),
        h('p', { class: 'secret' }, h('code', {}, token.secret + page.suffix()), copyButton(() => token.secret + page.suffix()), button('Hide', () => secret.replaceChildren()))),
    );
  const list = new List({
    label: 'Tokens',
    key: 'id',
    path: (after) => query('/admin/tokens', { after, limit: PAGE }),
    emptyText: 'There are no tokens. Create one above. Its secret is shown only once.',
    rowClass: (token) => token.revokedAt && 'faded',
    columns: [
      ['Id', (token) => token.id],
      ['Name', (token) => token.name],
      ['Role', (token) => token.role],
      ['State', state],
      ['Last used', (token) => time(token.lastUsedAt, 'never')],
      ['Created', (token) => time(token.createdAt)],
      ['Expires', (token) => time(token.expiresAt, 'never')],
      ['', (token) => token.revokedAt ? '' : h('span', { class: 'buttons' },
        button('Rotate', async () => {
          showSecret(await request('POST', `/admin/tokens/${token.id}/rotate`, { overlap: '24h' }));
          notify(`The old secret of ${token.name} remains valid for 24 hours.`);
        }, { 'aria-label': `Rotate ${token.name}`, title: 'Creates a new secret. The old one remains valid for 24 hours.' }),
        confirmButton('Revoke', async () => {
          await request('DELETE', `/admin/tokens/${token.id}`);
          await list.reload();
          notify(`Revoked ${token.name}. Its next request is refused.`);
        }))],
    ],
  });
  const createForm = form(
    async (data, element) => {
      const body = { name: data.name.trim(), role: data.role };
      if (data.expires.trim()) body.expires = data.expires.trim();
      showSecret(await request('POST', '/admin/tokens', body));
      element.reset();
      await list.reload();
    },
    { class: 'bar', 'aria-label': 'Create a token' },
    field('Name', h('input', { name: 'name', required: true, maxlength: 255, spellcheck: 'false' })),
    field('Role', select('role', ROLES)),
    field('Expires after', h('input', { name: 'expires', placeholder: 'never, or 90d', size: 12 })),
    h('button', { class: 'primary' }, 'Create token'),
  );
  const changesTokens = ({ rows }) => rows.some((row) => row.object.startsWith('tokens/'));
  const unsubscribe = [
    on('resync', () => list.reload().catch(() => {})),
    on('audit', (batch) => changesTokens(batch) && list.reload().catch(() => {})),
  ];
  return { element: h('div', {}, createForm, secret, list.element), start: () => list.reload(), stop: () => unsubscribe.forEach((off) => off()) };
}
