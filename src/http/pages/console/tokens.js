// Who may call.

import { ask, query } from './api.js';
import { badge, button, choice, copyButton, field, form, h, say, sureButton, time } from './dom.js';
import { List, PAGE } from './list.js';
import { on } from './live.js';

const ROLES = ['INTEGRATOR', 'OPERATOR', 'SUPERVISOR', 'ADMIN'].map((role) => [role, role]);

function standing(token) {
  if (token.revokedAt) return badge('revoked', 'bad');
  if (token.expiresAt && Date.parse(token.expiresAt) <= Date.now()) return badge('expired', 'bad');
  return badge('good', 'good');
}

/** The view. */
export function tokens(hints) {
  const secret = h('div', { 'aria-live': 'polite' });
  const show = (token) =>
    secret.replaceChildren(
      h('section', { class: 'card', 'aria-label': 'The secret' },
        h('h3', {}, `The secret of ${token.name}`),
        h('p', {}, 'It is shown this once, and kept nowhere: copy it now.'),
        h('p', { class: 'secret' }, h('code', {}, token.secret + hints.suffix()), copyButton(() => token.secret + hints.suffix()), button('Hide', () => secret.replaceChildren()))),
    );
  const list = new List({
    label: 'Tokens',
    key: 'id',
    path: (after) => query('/admin/tokens', { after, limit: PAGE }),
    nothing: 'There are no tokens. Make one above; its secret is shown once.',
    rowClass: (token) => token.revokedAt && 'faded',
    columns: [
      ['Id', (token) => token.id],
      ['Name', (token) => token.name],
      ['Role', (token) => token.role],
      ['State', standing],
      ['Last used', (token) => time(token.lastUsedAt, 'never')],
      ['Made', (token) => time(token.createdAt)],
      ['Expires', (token) => time(token.expiresAt, 'never')],
      ['', (token) => token.revokedAt ? '' : h('span', { class: 'buttons' },
        button('Rotate', async () => {
          show(await ask('POST', `/admin/tokens/${token.id}/rotate`, { overlap: '24h' }));
          say(`The old secret of ${token.name} is good for another 24 hours.`);
        }, { 'aria-label': `Rotate ${token.name}`, title: 'A new secret; the old one is good for another 24 hours' }),
        sureButton('Revoke', async () => {
          await ask('DELETE', `/admin/tokens/${token.id}`);
          await list.reload();
          say(`${token.name} is revoked, from its very next request on.`);
        }))],
    ],
  });
  const make = form(
    async (data, element) => {
      const body = { name: data.name.trim(), role: data.role };
      if (data.expires.trim()) body.expires = data.expires.trim();
      show(await ask('POST', '/admin/tokens', body));
      element.reset();
      await list.reload();
    },
    { class: 'bar', 'aria-label': 'Make a token' },
    field('Name', h('input', { name: 'name', required: true, maxlength: 255, spellcheck: 'false' })),
    field('Role', choice('role', ROLES)),
    field('Expires after', h('input', { name: 'expires', placeholder: 'never, or 90d', size: 12 })),
    h('button', { class: 'primary' }, 'Make a token'),
  );
  const isOfTokens = ({ rows }) => rows.some((row) => row.object.startsWith('tokens/'));
  const ends = [
    on('begin', () => list.reload().catch(() => {})),
    on('audit', (batch) => isOfTokens(batch) && list.reload().catch(() => {})),
  ];
  return { element: h('div', {}, make, secret, list.element), begin: () => list.reload(), end: () => ends.forEach((end) => end()) };
}
