// Why did client 7 get no survey? What was refused and by which rule, and what the rules say now.

import { all, ask, id, query } from './api.js';
import { badge, choice, empty, field, form, h, time } from './dom.js';
import { List } from './list.js';
import { on } from './live.js';
import { why as link } from './sends.js';

/** The rules in words, as what must hold. */
const RULES = {
  token: 'The token is good',
  role: 'Its role may send',
  body: 'The body says whom to send what',
  surveysEnabled: 'Surveys via the external API are on',
  targetExists: 'There is such a client or thread',
  noOpenThread: 'The client has no open thread',
  hasClosedThread: 'The client has a closed thread',
  formEnabled: 'The form is enabled for the channel of the thread',
};

const STATES = { passed: ['✓', 'holds', 'good'], failed: ['✗', 'does not hold', 'bad'], notReached: ['·', 'not looked at', ''] };

/** The place in this page where the row of an admin route can be mended. */
function mend(row, isMissing) {
  const [, , kind, number, inner] = row.split('/');
  if (kind === 'settings') return h('span', {}, 'Turn the switch on, at the top of this page.');
  if (inner) return h('a', { href: '#forms' }, `Look at form ${number} in the grid`);
  return h('a', { href: `#${kind}/${number}` }, `${isMissing ? 'Make' : 'Look at'} ${kind.slice(0, -1)} ${number}`);
}

function explanation(verdict) {
  const isGood = verdict.status < 400;
  const rules = verdict.rules.map(({ rule, state, row }) => {
    const [sign, words, kind] = STATES[state];
    return h('li', { class: kind }, h('span', { 'aria-hidden': 'true' }, sign), h('span', {}, RULES[rule] ?? rule, h('span', { class: 'hidden' }, `: ${words}`), row ? [' – ', mend(row, rule === 'targetExists')] : null));
  });
  return h(
    'section',
    { class: 'card', 'aria-label': 'What a send would be answered now' },
    h('h3', {}, 'Now: ', badge(`${verdict.status} ${isGood ? 'it would be sent' : ''}`, isGood ? 'good' : 'bad'), ` ${verdict.message ?? ''}`),
    h('ol', { class: 'rules' }, rules),
  );
}

/** The rule that refused an attempt, in a word or two. */
function rule(attempt) {
  const failed = attempt.rules.find(({ state }) => state === 'failed');
  return failed ? badge(failed.rule, 'bad') : badge(attempt.remark ?? 'no rule');
}

const isId = (text) => /^-?\d+$/.test(text);

/** The view; `client` is what stands behind the slash of the address. */
export function refusals(hints, client = '') {
  // Who is asked about: what was typed, and the client that goes by it; nothing for everybody.
  let typed = '';
  let number = '';
  const fits = (attempt) =>
    !typed || (number !== '' && String(attempt.clientId) === String(number)) || String(attempt.asked?.id) === typed;
  const answer = h('div', { 'aria-live': 'polite' });
  const list = new List({
    label: 'Refused calls, the newest first',
    key: 'id',
    isWhole: true,
    path: () => query('/admin/attempts', { client: isId(typed) ? typed : '', limit: 1000 }),
    nothing: 'Nothing that is remembered was refused. The last 1,000 calls to /api are, until the server stops.',
    columns: [
      ['Time', (attempt) => time(attempt.at)],
      ['Rule', rule],
      ['Answer', (attempt) => h('span', { title: `${attempt.method} ${attempt.uri}, request ${attempt.requestId}` }, `${attempt.status ?? 'none'} ${attempt.message ?? ''}`)],
      ['Client', (attempt) => link(attempt.clientId ?? (attempt.asked?.type === 'threadId' ? null : (attempt.asked?.id ?? null)))],
      ['Form', (attempt) => attempt.qualityFormId ?? '–'],
      ['Token', (attempt) => attempt.token ?? '–'],
    ],
  });
  // All that is remembered is one page: the refused ones are picked here.
  list.reload = async () => {
    const asked = (list.asked = {});
    const attempts = await ask('GET', list.path());
    if (asked !== list.asked) return;
    list.clear();
    list.prepend(attempts.filter((attempt) => !(attempt.status < 300) && fits(attempt)));
  };
  const who = h('input', { name: 'client', value: client, placeholder: '7 or crm-7', spellcheck: 'false' });
  const forms = choice('form', [['1', 'form 1']]);
  const search = form(
    async (data) => {
      const text = data.client.trim();
      answer.replaceChildren();
      [typed, number] = [text, ''];
      if (text) {
        const clientId = isId(text) ? { type: 'internalClientId', id: id(text, 'Client') } : { type: 'externalClientId', id: text };
        const verdict = await ask('POST', '/admin/explain', { clientId, qualityFormId: id(data.form, 'Form') });
        number = isId(text) ? text : (verdict.clientId ?? '');
        answer.replaceChildren(explanation(verdict));
      }
      history.replaceState(null, '', text ? `#refusals/${encodeURIComponent(text)}` : '#refusals');
      await list.reload();
    },
    { isQuestion: true, class: 'bar', 'aria-label': 'Ask', onchange: () => search.requestSubmit() },
    field('Client id, or external id', who),
    field('Form', forms),
    h('button', { class: 'primary' }, 'Why?'),
  );
  const ends = [
    on('begin', () => list.reload().catch(() => {})),
    on('refusals', ({ rows }) => list.prepend(rows.filter(fits))),
  ];
  return {
    element: h('div', {}, search, answer, h('h3', {}, 'Refused'), list.element),
    begin: async () => {
      const known = await all('/admin/forms', 500);
      if (known.length) forms.replaceChildren(...known.map(({ id, name }) => h('option', { value: id }, `${id} · ${name}`)));
      else answer.replaceChildren(empty('There is no form yet. ', h('a', { href: '#forms' }, 'Make one'), ' to ask about it.'));
      search.requestSubmit();
    },
    focus: who,
    end: () => ends.forEach((end) => end()),
  };
}
