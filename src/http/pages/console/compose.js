// A send, composed: the request as curl, and the raw answer.

import { id, write } from './api.js';
import { choice, copyButton, field, form, h } from './dom.js';

const PATH = '/api/v1/quality/send';

/** Text as a shell takes it. */
function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function request({ token, type, target, form, key }, suffix) {
  const secret = token.includes('@') ? token : token + suffix;
  const isText = type === 'externalClientId';
  // What is no integer is sent as it is: to see what a mistake is answered is what a fake is for.
  const integer = (text) => (/^-?\d{1,19}$/.test(text.trim()) ? id(text) : text);
  const body = write({ clientId: { type, id: isText ? target : integer(target) }, qualityFormId: integer(form) });
  const headers = { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json' };
  if (key) headers['Idempotency-Key'] = key;
  const lines = Object.entries(headers).map(([name, value]) => `  -H ${quote(`${name}: ${value}`)} \\\n`);
  const curl = `curl -i ${location.origin}${PATH} \\\n${lines.join('')}  -d ${quote(body)}`;
  return { headers, body, curl };
}

/** The view. */
export function compose(hints) {
  const curl = h('pre', { tabindex: 0, role: 'region', 'aria-label': 'The request as curl' });
  const answer = h('pre', { tabindex: 0, role: 'region', 'aria-label': 'The raw answer', 'aria-live': 'polite' }, 'Nothing was sent yet.');
  const read = () => request(Object.fromEntries(new FormData(fields)), hints.suffix());
  const fields = form(
    async () => {
      const { headers, body } = read();
      try {
        const response = await fetch(PATH, { method: 'POST', headers, body });
        const text = await response.text();
        const lines = [...response.headers].map(([name, value]) => `${name}: ${value}\n`);
        answer.textContent = `${response.status} ${response.statusText}\n${lines.join('')}\n${text}`;
      } catch (error) {
        answer.textContent = `No answer, or not a whole one (${error.message}): a fault cut the connection, or the server is gone.`;
      }
    },
    { class: 'fields', 'aria-label': 'Send a survey', oninput: () => (curl.textContent = read().curl) },
    field('Token', h('input', { name: 'token', value: 'test-crm', spellcheck: 'false' })),
    field('To', choice('type', [['internalClientId', 'a client'], ['externalClientId', 'a client, by external id'], ['threadId', 'a thread']])),
    field('Id', h('input', { name: 'target', value: '1', spellcheck: 'false' })),
    field('Form', h('input', { name: 'form', value: '1', inputmode: 'numeric' })),
    field('Idempotency-Key', h('input', { name: 'key', placeholder: 'none', spellcheck: 'false' })),
    h('button', { class: 'primary' }, 'Send'),
  );
  curl.textContent = read().curl;
  return {
    element: h('div', {}, fields,
      h('h3', {}, 'Request ', copyButton(() => curl.textContent)), curl,
      h('h3', {}, 'Answer'), answer),
  };
}
