// What was refused, and why a client gets no survey.

import { findRow, isId, query, request } from './api.js';
import { badge, h } from './dom.js';
import { Filters, ID } from './filters.js';
import { List, PAGE } from './list.js';
import { on, throttle } from './live.js';
import { clientText, link, tokenLink } from './names.js';
import { failure } from './notice.js';
import { time } from './time.js';
import { RULES, whyNow } from './why.js';

/** Whom a refused send named. */
function targetCell(row) {
  if (row.clientId !== null && row.clientId !== undefined) return link('clients', row.clientId, row.clientExternalId ?? '');
  if (!row.target) return '–';
  if (row.target.type === 'internalClientId') return link('clients', row.target.id);
  return row.target.type === 'threadId' ? ['thread ', link('threads', row.target.id)] : String(row.target.id);
}

/** A list of refusals, newest first. `values` returns the filter. */
export function refusalList(values, emptyText, pageSize = PAGE) {
  return new List({
    label: 'Refusals, newest first',
    key: 'id',
    pageSize,
    path: (before = 'end') => query('/admin/refusals', { before, limit: pageSize, ...values() }),
    emptyText,
    columns: [
      ['Refused', (row) => time(row.at), 'short'],
      ['Client', targetCell, 'named'],
      ['Rule', (row) => (row.rule ? h('span', { title: `${RULES[row.rule] ?? row.rule}: this did not hold` }, badge(row.rule, 'failure')) : '–'), 'short'],
      ['Answer', (row) => h('span', { title: `Request ${row.requestId}` }, `${row.status ?? 'none'} ${row.message ?? ''}`), 'sentence'],
      ['Form', (row) => link('forms', row.qualityFormId), 'named'],
      ['Thread', (row) => link('threads', row.threadId), 'short'],
      ['Token', (row) => tokenLink(row.token)],
    ],
  });
}

/** The client that the reader means by an id, an external id or a phone: the target of a send now, and a name. */
async function findClient(text) {
  const isPhone = /^\+?[\d\s().-]{7,}$/.test(text);
  const asId = isId(text) ? await findRow('clients', text) : null;
  const digits = (phone) => phone?.replace(/\D/g, '');
  const isMeant = ({ externalId, phone }) => externalId === text || (isPhone && digits(phone)?.slice(-10) === digits(text).slice(-10));
  const client = asId ?? (await request('GET', query('/admin/clients', { q: text, limit: 100 }))).find(isMeant);
  if (client) return { target: { type: 'internalClientId', id: client.id }, name: ['Client ', link('clients', client.id, clientText(client))] };
  if (isId(text)) return { target: { type: 'internalClientId', id: BigInt(text) }, name: `No client has the id, external id or phone ${text}.` };
  return { target: isPhone ? null : { type: 'externalClientId', id: text }, name: `No client has the ${isPhone ? 'phone' : 'external id'} “${text}”.` };
}

export function refusals({ filters: values }) {
  const answer = h('div', {});
  const who = h('p', { class: 'who', 'aria-live': 'polite' });
  const explain = async (text) => {
    const { target, name } = await findClient(text);
    who.replaceChildren(h('b', {}, name));
    const now = target && whyNow(target, filters.values.form);
    answer.replaceChildren(now?.element ?? '');
    await now?.start();
  };
  const load = async () => {
    const { person } = filters.values;
    who.replaceChildren();
    answer.replaceChildren();
    const ask = person && (() => explain(person).catch((error) => answer.replaceChildren(failure('The client', error, ask))));
    await Promise.all([list.reload(), ask && ask()]);
  };
  const filters = new Filters([
    ['person', 'Client', { placeholder: 'Id, external id, phone', size: 22, maxlength: 255 }],
    ['thread', 'Thread', ID],
    ['form', 'Form', ID],
    ['rule', 'Rule', [['', 'any'], ...Object.keys(RULES).map((rule) => [rule, rule])]],
    ['token', 'Token', { size: 12 }],
    ['since', 'Since', { type: 'date' }],
    ['until', 'Until', { type: 'date' }],
  ], values, load);
  const list = refusalList(() => filters.parameters, () =>
    (filters.isEmpty ? 'Nothing was refused. Every refused send appears here, with the rule that refused it.' : filters.nothing('refusals')));
  const refresh = throttle(1000, () => list.refresh());
  const unsubscribe = [on('resync', () => list.reload()), on('refusals', refresh), on('committed', refresh)];
  return {
    element: h('div', {}, filters.element, who, list.element, answer),
    start: load,
    focus: filters.element.elements.person,
    stop: () => unsubscribe.forEach((off) => off()),
  };
}
