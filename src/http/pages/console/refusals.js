// The refused attempts, and an explanation of the rules for one client.

import { fetchAll, parseId, query, request } from './api.js';
import { badge, emptyState, field, form, h, select, time } from './dom.js';
import { List } from './list.js';
import { on } from './live.js';
import { clientLink } from './sends.js';

/** Each rule as the condition that must hold. */
const RULES = {
  token: 'The token is valid',
  role: 'The role of the token may send',
  body: 'The body is valid',
  surveysEnabled: 'Surveys via the external API are on',
  targetExists: 'The client or thread exists',
  noOpenThread: 'The client has no open thread',
  hasClosedThread: 'The client has a closed thread',
  formEnabled: 'The form is enabled for the channel of the thread',
};

const STATES = { passed: ['✓', 'passed', 'success'], failed: ['✗', 'failed', 'failure'], notReached: ['·', 'not checked', ''] };

/** A link to the place where the reader can change the row of an admin route. */
function rowLink(row, isMissing) {
  const [, , kind, number, inner] = row.split('/');
  if (kind === 'settings') return h('span', {}, 'Turn surveys on at the top of this page.');
  if (inner) return h('a', { href: '#forms' }, `Open form ${number} in the grid`);
  return h('a', { href: `#${kind}/${number}` }, `${isMissing ? 'Create' : 'Open'} ${kind.slice(0, -1)} ${number}`);
}

function explanation(report) {
  const isAllowed = report.status < 400;
  const rules = report.rules.map(({ rule, state, row }) => {
    const [sign, label, kind] = STATES[state];
    return h('li', { class: kind }, h('span', { 'aria-hidden': 'true' }, sign), h('span', {}, RULES[rule] ?? rule, h('span', { class: 'hidden' }, `: ${label}`), row ? [' – ', rowLink(row, rule === 'targetExists')] : null));
  });
  return h(
    'section',
    { class: 'card', 'aria-label': 'Answer to a send now' },
    h('h3', {}, 'Now: ', badge(`${report.status} ${isAllowed ? 'would be sent' : ''}`, isAllowed ? 'success' : 'failure'), ` ${report.message ?? ''}`),
    h('ol', { class: 'rules' }, rules),
  );
}

/** The rule that refused an attempt. */
function failedRule(attempt) {
  const failed = attempt.rules.find(({ state }) => state === 'failed');
  return failed ? badge(failed.rule, 'failure') : badge(attempt.remark ?? 'no rule');
}

const isId = (text) => /^-?\d+$/.test(text);

/** `client` is the part of the address after the slash. */
export function refusals(page, client = '') {
  // The text that the reader typed, and the id of the client that it names. Both are empty for all clients.
  let typed = '';
  let clientId = '';
  const matches = (attempt) =>
    !typed || (clientId !== '' && String(attempt.clientId) === String(clientId)) || String(attempt.asked?.id) === typed;
  const answer = h('div', { 'aria-live': 'polite' });
  const list = new List({
    label: 'Refused attempts, newest first',
    key: 'id',
    isComplete: true,
    path: () => query('/admin/attempts', { client: isId(typed) ? typed : '', limit: 1000 }),
    emptyText: 'No refusals among the last 1,000 calls to /api. The server keeps these calls until it stops.',
    columns: [
      ['Time', (attempt) => time(attempt.at)],
      ['Rule', failedRule],
      ['Answer', (attempt) => h('span', { title: `${attempt.method} ${attempt.uri}, request ${attempt.requestId}` }, `${attempt.status ?? 'none'} ${attempt.message ?? ''}`)],
      ['Client', (attempt) => clientLink(attempt.clientId ?? (attempt.asked?.type === 'threadId' ? null : (attempt.asked?.id ?? null)))],
      ['Form', (attempt) => attempt.qualityFormId ?? '–'],
      ['Token', (attempt) => attempt.token ?? '–'],
    ],
  });
  // One page contains the last 1,000 attempts. The refused ones are selected here.
  list.reload = async () => {
    const generation = (list.generation = {});
    const attempts = await request('GET', list.path());
    if (generation !== list.generation) return;
    list.clear();
    list.prepend(attempts.filter((attempt) => !(attempt.status < 300) && matches(attempt)));
  };
  const clientInput = h('input', { name: 'client', value: client, placeholder: '7 or crm-7', spellcheck: 'false' });
  const formSelect = select('form', [['1', 'form 1']]);
  const search = form(
    async (data) => {
      const text = data.client.trim();
      answer.replaceChildren();
      [typed, clientId] = [text, ''];
      if (text) {
        const target = isId(text) ? { type: 'internalClientId', id: parseId(text, 'Client') } : { type: 'externalClientId', id: text };
        const report = await request('POST', '/admin/explain', { clientId: target, qualityFormId: parseId(data.form, 'Form') });
        clientId = isId(text) ? text : (report.clientId ?? '');
        answer.replaceChildren(explanation(report));
      }
      history.replaceState(null, '', text ? `#refusals/${encodeURIComponent(text)}` : '#refusals');
      await list.reload();
    },
    { latestWins: true, class: 'bar', 'aria-label': 'Explain', onchange: () => search.requestSubmit() },
    field('Client id or external id', clientInput),
    field('Form', formSelect),
    h('button', { class: 'primary' }, 'Explain'),
  );
  const unsubscribe = [
    on('resync', () => list.reload().catch(() => {})),
    on('refusals', ({ rows }) => list.prepend(rows.filter(matches))),
  ];
  return {
    element: h('div', {}, search, answer, h('h3', {}, 'Refused attempts'), list.element),
    start: async () => {
      const forms = await fetchAll('/admin/forms', 500);
      if (forms.length) formSelect.replaceChildren(...forms.map(({ id, name }) => h('option', { value: id }, `${id} · ${name}`)));
      else answer.replaceChildren(emptyState('There are no forms yet. ', h('a', { href: '#forms' }, 'Create a form'), ' first.'));
      search.requestSubmit();
    },
    focus: clientInput,
    stop: () => unsubscribe.forEach((off) => off()),
  };
}
