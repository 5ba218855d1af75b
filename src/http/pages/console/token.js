// The page of a token.

import { findRow } from './api.js';
import { facts, h } from './dom.js';
import { on, throttle } from './live.js';
import { refusalList } from './refusals.js';
import { longTime } from './time.js';
import { tokenActions, tokenState } from './tokens.js';

export async function token(id, reload) {
  const row = await findRow('tokens', id);
  if (!row) return null;
  const secret = h('div', { 'aria-live': 'polite' });
  const refused = refusalList(() => ({ token: row.name }), () => 'Nothing that this token sent was refused.', 10);
  const refresh = throttle(1000, () => refused.refresh());
  const unsubscribe = [on('refusals', refresh)];
  return {
    heading: row.name,
    element: h('div', {},
      facts(['Name', row.name], ['Role', row.role], ['State', tokenState(row)], ['Last used', longTime(row.lastUsedAt, 'never')], ['Created', longTime(row.createdAt)],
        ['Expires', longTime(row.expiresAt, 'never')], ['Revoked', row.revokedAt ? longTime(row.revokedAt) : null]),
      h('p', { class: 'buttons' }, tokenActions(row, secret, reload)), secret,
      h('h3', {}, 'Refused'), refused.element),
    start: () => refused.reload(),
    stop: () => unsubscribe.forEach((off) => off()),
  };
}
