// A fake as a process: its start, its answers byte by byte, what it costs.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export const PATH = '/api/v1/quality/send';

/** How long a start may take, and an answer. */
const PATIENCE_MS = 30_000;

/** What the fakes complain of; nobody is there to read what they tell. */
const COMPLAINTS = 'stderr.log';
const complaints = openSync(COMPLAINTS, 'w');

const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** The body that asks for form 1 to go to that client. */
export const survey = (id) => JSON.stringify({ clientId: { type: 'internalClientId', id }, qualityFormId: 1 });

function withoutChunks(body) {
  const pieces = [];
  for (let at = 0; ; ) {
    const end = body.indexOf('\r\n', at);
    const length = parseInt(body.subarray(at, end).toString(), 16);
    if (!length) return Buffer.concat(pieces);
    pieces.push(body.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
}

/** What comes over the wire for a send: the status, the lines of the head, the bytes of the body. */
export async function ask(port, token, client) {
  const body = survey(client);
  const head = [
    `POST ${PATH} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    'Connection: close',
  ];
  const socket = connect(port, '127.0.0.1').setNoDelay();
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('no answer')));
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  const bytes = Buffer.concat(await Array.fromAsync(socket));
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) throw new Error('no whole head');
  const lines = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const rest = bytes.subarray(end + 4);
  const isChunked = lines.some((line) => /^transfer-encoding: chunked$/i.test(line));
  return { status: Number(lines[0].split(' ')[1]), lines, body: isChunked ? withoutChunks(rest) : rest };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts it and asks until client 1 gets the status that is `right` for this tool; tells how long that took. */
export async function start(tool) {
  const port = await freePort();
  tool.prepare?.();
  const began = performance.now();
  const [program, ...words] = tool.command(port);
  const child = spawn(program, words, { stdio: ['pipe', 'ignore', complaints] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  while (performance.now() - began < PATIENCE_MS) {
    if (child.exitCode !== null) break;
    const answer = await ask(port, 'test-crm', 1).catch(() => undefined);
    if (answer?.status === (tool.best ?? 200)) return { port, child, ms: performance.now() - began };
    await sleep(1);
  }
  child.kill('SIGKILL');
  throw new Error(`${tool.name} did not start; see ${COMPLAINTS} in target/compare`);
}

export async function stop({ child }) {
  const exit = once(child, 'exit');
  child.kill();
  const patience = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await exit;
  clearTimeout(patience);
}

function tree(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return [pid, ...children.flatMap(tree)];
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** Resident memory of the process and of those that it started. */
export function residentMib({ child }) {
  const kib = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
  return sum(tree(child.pid).map(kib)) / 1024;
}

/** Seconds of processor that they have used. */
export function processorSeconds({ child }) {
  const ticks = (pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  return sum(tree(child.pid).map(ticks)) / 100;
}
