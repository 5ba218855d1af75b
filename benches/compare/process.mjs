// A fake as a process: starts it, reads its answers byte by byte, and measures its memory and processor time.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export const PATH = '/api/v1/quality/send';

/** The time limit of a start, and of an answer. */
const TIMEOUT_MS = 30_000;

/** The stderr of all fakes; their stdout is dropped. */
const STDERR_LOG = 'stderr.log';
const stderrLog = openSync(STDERR_LOG, 'w');

const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/** The body that sends form 1 to a client. */
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

/** Sends form 1 to a client. Returns the status, the lines of the head, and the bytes of the body. */
export async function send(port, token, client) {
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
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no answer')));
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

/** Starts a tool, and sends to client 1 until the answer is right for the tool. Returns the time that this took. */
export async function start(tool) {
  const port = await freePort();
  tool.prepare?.();
  const began = performance.now();
  const [program, ...args] = tool.command(port);
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', stderrLog] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  while (performance.now() - began < TIMEOUT_MS) {
    if (child.exitCode !== null) break;
    const answer = await send(port, 'test-crm', 1).catch(() => undefined);
    if (answer?.status === (tool.success ?? 200)) return { port, child, ms: performance.now() - began };
    await sleep(1);
  }
  child.kill('SIGKILL');
  throw new Error(`${tool.name} did not start; see ${STDERR_LOG} in target/compare`);
}

export async function stop({ child }) {
  const exit = once(child, 'exit');
  child.kill();
  const timeout = setTimeout(() => child.kill('SIGKILL'), 5_000);
  await exit;
  clearTimeout(timeout);
}

function tree(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return [pid, ...children.flatMap(tree)];
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** The resident memory of the process and its descendants. */
export function residentMib({ child }) {
  const kib = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
  return sum(tree(child.pid).map(kib)) / 1024;
}

/** The processor time of the process and its descendants, in seconds. */
export function processorSeconds({ child }) {
  const ticks = (pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  return sum(tree(child.pid).map(ticks)) / 100;
}
