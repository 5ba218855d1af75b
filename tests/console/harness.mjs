// Starts surveyd and a browser. A page fails its test if it logs an error or sends a request to another server.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const SURVEYD = process.env.SURVEYD ?? new URL('../../target/debug/surveyd', import.meta.url).pathname;

/** How long a test waits for an element. */
const TIMEOUT_MS = 15_000;

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

/** A fake. It stops with this process, even if the process crashes. */
export function startFake(...options) {
  return start(['fake', '--exit-on-stdin-close', ...options]);
}

/** A server with an empty database. `run` runs a command on its `database`. */
export async function startServer() {
  const folder = await mkdtemp(join(tmpdir(), 'surveyd-console-'));
  const run = async (...command) => (await promisify(execFile)(SURVEYD, command, { cwd: folder })).stdout.trim();
  // Makes the database.
  const server = await start(['serve'], folder);
  const admin = await run('token', 'create', '--name', 'ops', '--role', 'admin');
  const stop = async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  };
  return { url: server.url, admin, run, stop, database: join(folder, 'surveyd.db') };
}

/** Debian's Chromium. Nothing is downloaded. */
export function openBrowser() {
  const quiet = ['--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', ...quiet] });
}

/**
 * Opens the console of a server. `world` is the world of a fake; `hash` is the section. `expectErrors` allows answers with an
 * error status, which a browser logs.
 */
export async function openPage(browser, t, url, { expectErrors = false, world, hash = '', ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  if (world) await page.addInitScript(chooseWorld, world);
  page.setDefaultTimeout(TIMEOUT_MS);
  const problems = [];
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('console', (message) => {
    const isAnswer = message.text().startsWith('Failed to load resource');
    if (['error', 'warning'].includes(message.type()) && !(expectErrors && isAnswer)) problems.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`) && !request.url().startsWith('data:')) problems.push(`foreign: ${request.url()}`);
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(problems, []);
  });
  await page.goto(`${url}/${hash}`);
  return page;
}

/** Runs in the page, as if the reader had opened a world before. */
function chooseWorld(world) {
  const key = `surveyd ${new URL('.', location.href).pathname}`;
  if (!sessionStorage.getItem(key)) sessionStorage.setItem(key, JSON.stringify({ token: 'test-admin', world }));
}

/** Opens the console of a fake in a world of its own. */
export async function openWorld(browser, t, url, world, options) {
  const page = await openPage(browser, t, url, { world, ...options });
  await isLive(page);
  return page;
}

export const isLive = (page) => page.getByText('Live', { exact: true }).waitFor();

/** Opens a section by the navigation. */
export const openView = (page, name) => page.getByRole('navigation').getByRole('link', { name, exact: true }).click();

/** Waits until a section shows its data. */
export async function openHash(page, hash) {
  await page.evaluate((hash) => (location.hash = hash), hash);
  await page.locator(`main:not([aria-busy])[data-view="${hash.split(/[/?]/)[0]}"]`).waitFor();
}

/** Calls the server without the page. */
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
