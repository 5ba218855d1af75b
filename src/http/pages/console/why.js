// Why a client gets no survey now: each rule, and what was found.

import { findRow, request } from './api.js';
import { href } from './address.js';
import { field, select } from './controls.js';
import { badge, card, h } from './dom.js';
import { allOf, link } from './names.js';
import { emptyState, failure } from './notice.js';
import { shortTime } from './time.js';

/** Each rule as the condition that must hold. */
export const RULES = {
  token: 'The token is valid',
  role: 'The role of the token may send',
  body: 'The body is valid',
  surveysEnabled: 'Surveys via the external API are on',
  targetExists: 'The client or thread exists',
  noOpenThread: 'The client has no open thread',
  hasClosedThread: 'The client has a closed thread',
  formEnabled: 'The form is enabled for the channel of the thread',
};

const STATES = { passed: ['✓', 'holds', 'success'], failed: ['✗', 'does not hold', 'failure'], notReached: ['·', 'not checked', 'muted'] };

/** A target of a send in words. */
export function targetText({ type, id }) {
  return { internalClientId: `client ${id}`, externalClientId: `a client with the external id “${id}”`, threadId: `thread ${id}` }[type] ?? `${id}`;
}

/** What was found where a rule does not hold: a sentence, and links to where it can be changed. */
async function finding(rule, row, target) {
  const [, , kind, id, , inner] = (row ?? '').split('/');
  if (rule === 'surveysEnabled') {
    const [change] = await request('GET', '/admin/audit?object=settings&before=end&limit=1');
    return [`Surveys are off${change ? ` since ${shortTime(change.at)}, switched by ${change.who}` : ''}. The switch is at the top of this page.`];
  }
  if (rule === 'targetExists') return [`There is no ${targetText(target).replace(/^a /, '')}.`];
  if (rule === 'noOpenThread') {
    const thread = await findRow('threads', id);
    return thread
      ? [h('a', { href: href('threads', id) }, `Thread ${id}`), ` is ${thread.status} since ${shortTime(thread.stateChangeTime)}. It must be CLOSED first.`]
      : [`Thread ${id} was open and is deleted.`];
  }
  if (rule === 'hasClosedThread') return ['None of the threads of ', link(kind, id), ' is CLOSED.'];
  if (rule === 'formEnabled') return ['Form ', link('forms', id), ' is not enabled for channel ', link('channels', inner), ', the channel of the last closed thread.'];
  return [RULES[rule]];
}

async function ruleItem({ rule, state, row }, target) {
  const [sign, label, kind] = STATES[state];
  const text = state === 'failed' ? await finding(rule, row, target) : [RULES[rule] ?? rule];
  return h('li', { class: kind }, h('span', { 'aria-hidden': 'true' }, sign), h('span', {}, text, h('span', { class: 'hidden' }, ` (${rule}: ${label})`)));
}

/** Asks what a send to a target would be answered now. */
export async function explain(target, formId) {
  return request('POST', '/admin/explain', { clientId: target, qualityFormId: formId });
}

/** The part of a page that says what a send to a target would be answered now. The reader chooses the form. */
export function whyNow(target, formId) {
  const answer = h('div', { 'aria-live': 'polite' });
  const chooser = select('form', []);
  const ask = async () => {
    try {
      const report = await explain(target, BigInt(chooser.value));
      const isAllowed = report.status < 400;
      answer.replaceChildren(
        h('p', {}, badge(report.status, isAllowed ? 'success' : 'failure'), ' ', h('b', {}, isAllowed ? 'A send would be accepted now.' : report.message)),
        h('ol', { class: 'rules' }, await Promise.all(report.rules.map((rule) => ruleItem(rule, target)))));
    } catch (error) {
      answer.replaceChildren(failure('The answer', error, ask));
    }
  };
  const start = async () => {
    try {
      const forms = await allOf('forms');
      if (!forms.length) return answer.replaceChildren(emptyState('There are no forms yet. ', h('a', { href: '#forms' }, 'Create a form'), ' first.'));
      chooser.replaceChildren(...forms.map(({ id, name }) => h('option', { value: id }, `${id} · ${name}`)));
      if (formId && forms.some(({ id }) => String(id) === String(formId))) chooser.value = formId;
    } catch (error) {
      return answer.replaceChildren(failure('The forms', error, start));
    }
    return ask();
  };
  chooser.addEventListener('change', ask);
  const title = 'What would a send be answered now?';
  return { element: card(title, h('p', { class: 'bar' }, field('With the form', chooser)), answer), start, ask };
}
