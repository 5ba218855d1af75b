// Checks by requests which features a tool has.

import { send } from './process.mjs';

const VARY = ['Origin', 'Access-Control-Request-Method', 'Access-Control-Request-Headers'];

/** The vendor's error envelope, checked against the length that the vendor documents. */
function envelope(message, length) {
  const fields = ['"method" : "POST"', '"uri" : "/api/v1/quality/send"', '"code" : null', `"message" : "${message}"`];
  const bytes = Buffer.from(`{\r\n${fields.map((field) => `  ${field}`).join(',\r\n')}\r\n}`);
  if (bytes.length !== length) throw new Error(`${bytes.length} bytes: ${message}`);
  return bytes;
}
const OFF = envelope('Sending surveys via external api is disabled', 141);
const OPEN = envelope('Client has open thread', 119);
const CHANNEL = envelope('Cannot send form 1 to thread 4', 127);

const isEmpty200 = ({ status, body }) => status === 200 && body.length === 0;
const isRefusal = ({ status, lines, body }, expected) =>
  status === 409 && lines.some((line) => /^content-type: application\/json\b/i.test(line)) && body.equals(expected);

function hasThreeVaryLines({ lines }) {
  const values = lines.filter((line) => /^vary: /i.test(line)).map((line) => line.slice('vary: '.length));
  return values.join() === VARY.join() && values.length === VARY.length;
}

/** Turns the flag off and on. Returns the answers to client 1 after each. */
async function toggle(tool, port) {
  if (!tool.setFlag) return undefined;
  await tool.setFlag(port, 'test-crm@flag', false);
  const off = await send(port, 'test-crm@flag', 1);
  await tool.setFlag(port, 'test-crm@flag', true);
  return { off, on: await send(port, 'test-crm@flag', 1) };
}

/** One test turns the flag off while another one sends. Returns whether neither affects the other. */
async function areSeparate(tool, port) {
  if (!tool.setFlag) return false;
  const [one, two] = ['test-crm@w1', 'test-crm@w2'];
  await tool.setFlag(port, one, false);
  const statuses = [await send(port, one, 1), await send(port, two, 1)].map(({ status }) => status);
  const [sent, alsoSent] = [await tool.sends(port, one), await tool.sends(port, two)];
  await tool.setFlag(port, one, true);
  return statuses.join() === '409,200' && sent.length === 0 && alsoSent.join() === '1';
}

/** The results by the headings of the table. */
export async function check(tool, { port }) {
  const sent = await send(port, 'test-crm@list', 1);
  const flag = await toggle(tool, port);
  const open = await send(port, 'test-crm', 2);
  const channel = await send(port, 'test-crm', 3);
  const isOff = flag !== undefined && isRefusal(flag.off, OFF);
  return {
    '200, empty': isEmpty200(sent),
    'three `Vary` lines': hasThreeVaryLines(sent),
    'three refusals to the byte': isRefusal(open, OPEN) && isRefusal(channel, CHANNEL) && isOff,
    'flag at run time': flag !== undefined && flag.off.status === 409 && isEmpty200(flag.on),
    'what was sent': tool.sends !== undefined && (await tool.sends(port, 'test-crm@list')).includes(1),
    'parallel tests apart': await areSeparate(tool, port),
  };
}
