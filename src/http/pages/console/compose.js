// A form for a single send: it shows the request as curl, and the raw answer.

import { local, parseId, stringify } from './api.js';
import { copyButton, field, form, select } from './controls.js';
import { h } from './dom.js';
import { worldSuffix } from './session.js';

const PATH = '/api/v1/quality/send';

function shellQuote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function buildRequest({ token, type, target, form, key }) {
  const secret = token.includes('@') ? token : token + worldSuffix();
  // Anything but an integer is sent unchanged, so that the reader can see the answer to a mistake.
  const integer = (text) => (/^-?\d{1,19}$/.test(text.trim()) ? parseId(text) : text);
  const id = type === 'externalClientId' ? target : integer(target);
  const body = stringify({ clientId: { type, id }, qualityFormId: integer(form) });
  const headers = { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json' };
  if (key) headers['Idempotency-Key'] = key;
  const lines = Object.entries(headers).map(([name, value]) => `  -H ${shellQuote(`${name}: ${value}`)} \\\n`);
  const curl = `curl -i ${local(PATH)} \\\n${lines.join('')}  -d ${shellQuote(body)}`;
  return { headers, body, curl };
}

export function compose() {
  const curl = h('pre', { tabindex: 0, role: 'region', 'aria-label': 'Request as curl' });
  const answer = h('pre', { tabindex: 0, role: 'region', 'aria-label': 'Raw answer', 'aria-live': 'polite' }, 'No answer yet.');
  const read = () => buildRequest(Object.fromEntries(new FormData(fields)));
  const fields = form(
    async () => {
      const { headers, body } = read();
      try {
        const response = await fetch(local(PATH), { method: 'POST', headers, body });
        const text = await response.text();
        const lines = [...response.headers].map(([name, value]) => `${name}: ${value}\n`);
        answer.textContent = `${response.status} ${response.statusText}\n${lines.join('')}\n${text}`;
      } catch (error) {
        answer.textContent = `No complete answer (${error.message}). A fault cut the connection, or the server has stopped.`;
      }
    },
    { class: 'fields', 'aria-label': 'Send a survey', oninput: () => (curl.textContent = read().curl) },
    field('Token', h('input', { name: 'token', value: 'test-crm', spellcheck: 'false' })),
    field('Send to', select('type', [['internalClientId', 'client id'], ['externalClientId', 'client external id'], ['threadId', 'thread id']])),
    field('Id', h('input', { name: 'target', value: '1', spellcheck: 'false' })),
    field('Form', h('input', { name: 'form', value: '1', inputmode: 'numeric' })),
    field('Idempotency-Key', h('input', { name: 'key', placeholder: 'none', spellcheck: 'false' })),
    h('button', { class: 'primary' }, 'Send'),
  );
  curl.textContent = read().curl;
  return {
    element: h('div', {}, fields,
      h('div', { class: 'pair' },
        h('section', {}, h('h3', {}, 'Request ', copyButton(() => curl.textContent)), curl),
        h('section', {}, h('h3', {}, 'Answer'), answer))),
  };
}
