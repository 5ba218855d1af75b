// The console of `surveyd serve`, which needs a token.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { call, isLive, openBrowser, openHash, openPage, openView, send, startServer } from './harness.mjs';

let server, browser, url;

before(async () => {
  [server, browser] = await Promise.all([startServer(), openBrowser()]);
  url = server.url;
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

async function signIn(page, token) {
  await page.getByLabel('Token', { exact: true }).fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

test('the console of a server asks for a token, keeps it for a reload, and forgets it at Sign out', async (t) => {
  const page = await openPage(browser, t, url, { expectErrors: true });
  await page.getByText('Enter a token of role ADMIN').waitFor();
  assert.equal(await page.getByRole('navigation').count(), 0);
  await signIn(page, 'test-admin');
  await page.getByText('Token is invalid. The console needs a token of role ADMIN.').waitFor();
  await signIn(page, server.admin);
  await isLive(page);
  assert.equal(await page.getByText('Token is invalid').count(), 0);
  assert.equal(await page.getByRole('link', { name: 'Try a send' }).count(), 0);
  await page.evaluate(() => (location.hash = 'audit?object=tokens/1'));
  await page.reload();
  await page.getByRole('heading', { name: 'Audit' }).waitFor();
  assert.equal(await page.getByLabel('Object').inputValue(), 'tokens/1');
  // Another tab has no part of the session.
  const other = await page.context().newPage();
  await other.goto(url);
  await other.getByText('Enter a token of role ADMIN').waitFor();
  await other.close();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByText('Enter a token of role ADMIN').waitFor();
  const stored = await page.evaluate(() => localStorage.length + sessionStorage.length + document.cookie.length);
  assert.equal(stored, 0);
  await page.reload();
  await page.getByText('Enter a token of role ADMIN').waitFor();
});

test('a token can be created, used and revoked', async (t) => {
  const page = await openPage(browser, t, url);
  await signIn(page, server.admin);
  await openView(page, 'Tokens');
  await page.getByLabel('Name of a new token').fill('crm');
  await page.getByRole('button', { name: 'Create token' }).click();
  const secret = await page.getByRole('region', { name: 'Secret of crm' }).locator('code').innerText();
  assert.match(secret, /^surveyd_/);
  assert.equal((await send(url, secret, 1)).body.message, 'Sending surveys via external api is disabled');
  const row = page.getByRole('row', { name: /crm/ });
  await row.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('Revoked crm.').waitFor();
  assert.equal((await send(url, secret, 1)).status, 401);
  await row.getByText('revoked').waitFor();
});

test('revoking a token signs out a page that uses it', async (t) => {
  const secret = await server.run('token', 'create', '--name', 'guest', '--role', 'admin');
  const page = await openPage(browser, t, url, { expectErrors: true });
  await signIn(page, secret);
  await isLive(page);
  const id = (await call(url, server.admin, 'GET', '/admin/tokens')).body.find(({ name }) => name === 'guest').id;
  // A command revokes it in the database, without notifying the server.
  await server.run('token', 'revoke', String(id));
  await page.getByText('This token is no longer valid').waitFor();
});

test('an erasure next to a reader is said to be outstanding, and complete when the reader has gone', async (t) => {
  await call(url, server.admin, 'PUT', '/admin/clients/7', { name: 'Ada' });
  const script = 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute("begin"); '
    + 'c.execute("select count(*) from client").fetchall(); print("reads", flush=True); sys.stdin.readline()';
  const reader = spawn('python3', ['-c', script, server.database], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => reader.kill());
  await once(reader.stdout, 'data');
  const page = await openPage(browser, t, url);
  await signIn(page, server.admin);
  await openHash(page, 'clients/7');
  await page.getByRole('button', { name: 'Erase' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Erase' }).click();
  await page.getByText('Erased client 7 from the rows. The log still holds the data, until the server can empty it: see Status.').waitFor();
  await openView(page, 'Status');
  const storage = page.getByRole('region', { name: 'Storage' });
  await storage.getByText(/^1 erasure not complete since .*: the write-ahead log still holds the data/).waitFor();
  reader.stdin.end('\n');
  await storage.getByText('not complete').waitFor({ state: 'detached' });
  await openView(page, 'Audit');
  await page.getByRole('row', { name: /erasure.*empty.*log/ }).waitFor();
});
