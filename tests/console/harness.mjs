// A surveyd, and a browser that looks at it: every page fails its test by an error in its console, and by a request to
// anywhere else.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const SURVEYD = process.env.SURVEYD ?? new URL('../../target/debug/surveyd', import.meta.url).pathname;

/** How long anything may take to appear. */
const PATIENCE_MS = 15_000;

async function start(command, cwd) {
  const child = spawn(SURVEYD, [...command, '--listen', '127.0.0.1:0'], { cwd, stdio: ['pipe', 'pipe', 'ignore'] });
  const { value: ready } = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
  assert.ok(ready, `surveyd ${command[0]} did not start`);
  const exit = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill();
    return exit;
  };
  return { url: ready.split('url=')[1], stop };
}

/** A fake; it ends with this process, too. */
export function startFake() {
  return start(['fake', '--exit-on-stdin-close']);
}

/** A server with an empty database, and a way to run commands on it. */
export async function startServer() {
  const folder = await mkdtemp(join(tmpdir(), 'surveyd-console-'));
  const run = async (...command) => (await promisify(execFile)(SURVEYD, command, { cwd: folder })).stdout.trim();
  const admin = await run('token', 'create', '--name', 'ops', '--role', 'admin');
  const server = await start(['serve'], folder);
  const stop = async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  };
  return { url: server.url, admin, run, stop };
}

/** Debian's Chromium: nothing is downloaded. */
export function openBrowser() {
  const quiet = ['--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', ...quiet] });
}

/**
 * A page at that address. `mayBeRefused` is for tests where the server answers an error on purpose, which a browser
 * notes in its console.
 */
export async function look(browser, t, url, { mayBeRefused = false, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
  page.on('console', (message) => {
    const isAnswer = message.text().startsWith('Failed to load resource');
    if (['error', 'warning'].includes(message.type()) && !(mayBeRefused && isAnswer)) wrong.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`) && !request.url().startsWith('data:')) wrong.push(`foreign: ${request.url()}`);
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(wrong, []);
  });
  await page.goto(`${url}/`);
  return page;
}

/** The page of a fake, in a world of its own. */
export async function lookInto(browser, t, url, world, options) {
  const page = await look(browser, t, url, options);
  await page.getByText('Live', { exact: true }).waitFor();
  await page.getByLabel('World', { exact: true }).fill(world);
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByText('Live', { exact: true }).waitFor();
  return page;
}

/** Calls the server as anybody would who is not this page. */
export async function call(url, token, method, path, body) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await response.text();
  return { status: response.status, body: text && JSON.parse(text) };
}

/** Sends a form to a client. */
export function send(url, token, client, form = 1) {
  const clientId = { type: 'internalClientId', id: client };
  return call(url, token, 'POST', '/api/v1/quality/send', { clientId, qualityFormId: form });
}
